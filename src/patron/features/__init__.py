"""What was known about each customer on a day, as columns a model can learn from.

One rule: a feature row is a spine row, a customer on an as_of, and every figure in it comes from what
:func:`patron.snapshots.asof.visible` lets through. Nothing in this room compares a time with as_of.

=================  ========================================================================================
catalogue.py       FeatureSpec and FeatureCatalogue: name, unit, window and words of each feature. No engine
words.py           the small template language in which a feature says itself with the customer's own figures
naming.py          any text, Persian too → a column name, unique and safe
rfm.py             frequency, recency, T, monetary value
windows.py         orders, spend and active days in 7 to 365 days, and their trends
rhythm.py          the gaps between purchase days, and how overdue the next one is
baskets.py         first and last order, refunds, totals to date
engagement.py      events by kind, channel and window, days since, trends, responses per invitation
subscriptions.py   the contract that runs: age, plan, price, renewals, days to the next
season.py          the time of the year, once two full years are visible
activity.py        what changes where activity is not, or not only, buying
readings.py        is an attribute text, a code or a number? Its values decide
attributes.py      what the customers table says: categories, numbers, age, cost to acquire
assemble.py        discover_catalogue and assemble_features: one pass, one row per spine row
=================  ========================================================================================

A group of transaction features (``rfm``, ``windows``, ``rhythm``, ``baskets``) is a function of the visible
days that returns named aggregates, one figure per customer and as_of; assemble.py takes them all in a single
group-by.
"""
