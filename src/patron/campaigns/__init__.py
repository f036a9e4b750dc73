"""From scores to a campaign: whom to make which offer, and whether it worked.

=============  =============================================================================================
offers.py      `Offer`, `OfferBook`: cost, acceptance, channel; the expected profit of making it
profit.py      `profit_curve`: how deep to go; `mpc` and `empc`: what a ranking is worth
targeting.py   `choose`: the most profitable list under a budget and the limits of the channels
holdout.py     who of the list is left alone by lot, and how many that must be
measure.py     what the contact changed, treated against holdout
audience.py    a list as marketing tools may read it
=============  =============================================================================================
"""
