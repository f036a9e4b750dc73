"""From scores to a campaign: whom to contact with which offer, and whether it worked.

::

    allocation/          offers, the most profitable list under limits, its holdout and plan
    uplift/              individual effects of a contact, learned from a randomised trial
    audience.py          a list for export to marketing tools: no formulas, addresses hashed
    due_dates.py         offers due: next purchases, renewals, replenishments, ends of products
    effect_sources.py    where the effect of each offer comes from: given, learned or assumed
    exclusions.py        customers who must not be contacted
    input_tables.py      checks of the tables a campaign is given; ids as text
    list_folder.py       the folder that `patron target` writes
    measure.py           the effect of a campaign, treated against holdout
    outcomes.py          purchases, contacts and costs of a list's customers in its horizon
    purchase_summary.py  RFM, rhythm and reason for leaving of each customer on past days
    scored_customers.py  the scores a campaign starts from, and effects estimated for them
    win_back.py          dormant and lost customers by return probability × second lifetime value
"""
