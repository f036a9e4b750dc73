"""Customers to try things on: real ones that another package carries, and made ones whose truth is known.

::

    samples.py      Complete Journey and CDNOW, read from the files of the packages that carry them
    simulate.py     simulate(): a business of any size, its tables and the truth behind them
    btyd.py         simulate_btyd(): buyers who follow the value models exactly, as RFM rows
    campaigns.py    simulate_campaign(): offers, a past campaign by lot, the effect on each customer

    behind simulate()
    world.py        World: the parameters of the business, which cannot be wrong
    buying.py       who buys, when, until when, and for how much
    seasons.py      the tempo of the shop: the hours, the week, the year
    lines.py        what is in an order, and what comes back
    engagement.py   e-mails and visits, which fade before a customer leaves
    service.py      what is done for customers, and the ledger behind it
    memberships.py  who signs for a month or a year, and renews
    surveys.py      how satisfied customers say they are
    leads.py        who showed interest, what they did, and who became a customer

Every table comes out as `patron.History.read` takes it, with no column to map.
"""
