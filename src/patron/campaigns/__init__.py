"""From scores to a campaign: whom to make which offer, and whether it worked.

=================  =========================================================================================
offers.py          `Offer`, `OfferBook`: cost, acceptance, channel; the expected profit of making it
profit.py          `profit_curve`: how deep to go; `mpc` and `empc`: what a ranking is worth
targeting.py       `choose`: the most profitable list under a budget and the limits of the channels
  prices.py        what the shared limits are worth; filling.py: customers in order, while there is room
  core.py          what prices leave open, decided by an integer program
plan.py            `make_plan`: scores and offers → list, holdout, and what simpler lists would earn
holdout.py         who of the list is left alone by lot, and how many that must be
measure.py         what the contact changed, treated against holdout
audience.py        a list as marketing tools may read it
offers_made.py     which offer past contacts were about, and whom to compare them with
uplift.py          `UpliftModel`: what contact changes for whom, by the learners of learners.py
  smooth.py        the one among them that grows no trees
  unexplained.py   how far effects of customers lie from what a learner says of them
  groups.py        contacted and left alone; the effects that are assumed where one is missing
effects.py         `EffectModel`: the effect of an offer on staying and on money
randomness.py      was the control group drawn by lot
uplift_metrics.py  Qini, AUUC, uplift by depth, with intervals
winback.py         dormant and lost customers by chance of a return × value of a second life
moments.py         next purchases, renewals, replenishments and ends of products: offers due
ledger.py          promises of the scores and what became of them
=================  =========================================================================================
"""
