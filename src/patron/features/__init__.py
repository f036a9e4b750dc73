"""What was known about each customer on a day, as columns that a model can learn from.

::

    catalogue.py       FeatureSpec and FeatureCatalogue: name, unit, window and text of each feature
    templates.py       the small template language that renders a feature as text
    naming.py          any text, Persian too → a column name, unique and safe
    type_inference.py  whether an attribute is text, a code or a number, decided by its values
    family.py          FeatureFamily: discover and build, and what they take and return
    purchases.py       RFM, windows and trends, the rhythm, first and last order, refunds, totals
    active_days.py     how purchases.py changes where activity is not, or not only, buying
    engagement.py      events by kind, channel and window, days since, trends, responses per invitation
    subscriptions.py   the running contract: age, plan, price, renewals, days to the next
    season.py          the season, once two full years are visible
    attributes.py      the customers table: categories, numbers, days since acquired, cost to acquire
    assemble.py        discover_catalogue and assemble_features: loops over the families

One rule: a feature row is a spine row, a customer on an as_of, and every figure in it comes from what
:func:`patron.snapshots.asof.visible` lets through. Nothing in this room compares a time with as_of.

A feature family is one file. Its `discover` finds the features that a business can have, its `build` computes
them for a spine, and assemble.py lists it. A new feature goes into the file of its source; a new source is a
new file and one entry in ``FAMILIES``.
"""
