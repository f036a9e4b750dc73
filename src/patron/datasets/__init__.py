"""Data to try patron on: real samples from other packages, and simulated businesses whose truth is known.

Every table has the columns that `patron.History.read` takes, so none has to be mapped.

::

    btyd.py              `simulate_btyd`: RFM rows that follow the BTYD models exactly
    campaigns.py         `simulate_campaign`: offers, a randomised past campaign, the effect on each customer
    columns.py           timestamps and text columns from draws
    contributions.py     reviews, ideas and interviews
    customers.py         customers, acquisition channels and referrals
    engagement.py        newsletters and site visits, which fade before a customer leaves
    leads.py             leads, their events and their conversion probability
    lines.py             lines of each order, and returns
    memberships.py       monthly and annual contracts
    purchase_process.py  when customers buy, when they leave, and what an order is worth
    samples.py           `load_complete_journey`, `load_cdnow`: real purchases
    seasonality.py       intensity by hour, weekday and day of the year
    service.py           interactions, and the cost ledger behind them
    simulate.py          `simulate`: all tables of a business, and the truth behind them
    streams.py           one random generator per table and trait
    surveys.py           CSAT and NPS answers
    world.py             `World`: the parameters of `simulate`
"""
