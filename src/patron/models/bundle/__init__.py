"""Everything that scoring needs, in one value, saved and loaded without pickle.

::

    bundle.py            Everything that scoring needs, in one value: `Bundle`; saved and loaded without
                         pickle.
    policy.py            What the business has decided, as far as a scorecard needs it: `Policy`; it is
                         frozen with the model.
    population_ranks.py  The ranks of customers who are too many for one frame: learned once, then handed to
                         each batch.
    prediction.py        What a bundle says of customers: its parts put together, row by row.
    reference.py         Who the customers of the training were: `Reference`, what a later population is
                         compared with.
    tiers.py             Where a customer stands among the customers of the training: `Tiers`.
"""
