"""What contact changes for each customer, learned from a randomised trial.

::

    arms.py               Contacted and left alone: without customers of both kinds nothing is uplift, and
                          effects are assumed.
    balance.py            Was the control group drawn by lot? What was known before the contact must not tell
                          who was contacted.
    effects.py            The effect of an offer on staying and on money, from one trial: `EffectModel`.
    learners.py           Five ways to learn from a trial what contact changes for whom: smooth, or the S-,
                          T-, X- or DR-learner.
    metrics.py            How good a ranking of customers by their effect is: Qini, AUUC, uplift by depth,
                          with bootstrap intervals.
    model.py              What contact changes for each customer, learned from a trial: `UpliftModel`.
    residual_variance.py  How far the effects of customers lie from what a learner says of them, beyond the
                          error of the learner.
    smooth.py             A smooth learner: one logistic or linear regression whose coefficients differ with
                          contact and without.
    trial_arms.py         Which offer each past contact was about, and whom of the customers left alone it
                          can be compared with.
"""
