"""What keeping customers costs and brings: tidy tables of the business, beside what the models say.

Rooms below do the work that needs a model; here the tables of a business are counted, priced and compared.

====================  =====================================================================================
kpis.py               `indicators`: one row per period and indicator of the customer base, each with its
                      interval or the reason why there is none; its parts:
  periods.py            whole months, quarters or years
  estimates.py          shares, means and ratios with their 95 % intervals
  spells.py             when each customer was active: by rule for shops, by contract otherwise
  movement.py           who came, stayed, left and came back; churn, retention and growth
  tenure.py             how long customers stay: Kaplan-Meier
  sales.py              sales per customer, repeat buying, revenue retention
  baskets.py            up-sell and cross-sell among those who could be sold more
  satisfaction.py       CSAT, NPS and loyalty in attitude, from surveys
acquisition.py        what a customer costs to win, and what comes of leads; by channel and cohort
worth.py              simple lifetime values beside the model's
touchpoints.py        `retention_costs`: what keeping customers costs, its parts:
  journey.py            how long touchpoints take, and what a minute costs
  ledger.py             each line of the ledger, split to the cent; cents.py rounds
  monthly_base.py       who is active and retained in each month, in which tier
  cost_tables.py        customers, segments, and the whale curve
retention_spend.py    how much to spend on keeping customers; savings with their effect on retention
cohorts.py            `retention_triangle`: who is left of each cohort
plans.py              a monthly against an annual plan
what_if.py            what a point of retention, or less cost, does to base, revenue and profit
====================  =====================================================================================
"""
