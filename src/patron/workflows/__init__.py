"""The jobs that patron does, one recipe per command: each is a short sequence of calls into the rooms below.

::

    audience.py      `audience`: a list → a CSV file for marketing tools
    backtest.py      `backtest`: tables → how good the model would have been on several past days
    check.py         `check`: tables → data report and rejected rows
    costs.py         `costs`: tables → the cost of keeping customers, by tier and cost pool
    demo.py          `demo`: all of it on sample data
    due.py           `due`: tables → the dated list of offers due
    features.py      `build_features`: tables → one feature row per customer as of a date
    kpis.py          `kpis`: tables → indicators of the customer base, and acquisition costs
    leads.py         `score_leads`: which leads are worth a call
    lookalikes.py    `find_lookalikes`: tables and a seed group → the customers most similar to it
    measure.py       `measure`: a list and what was bought since → the effect of the campaign
    plans.py         `plans`: contracts → a monthly against an annual plan
    releases.py      `list_models`, `promote`, `rollback`, `export`: the versions in the model registry
    score.py         `score`: tables and a registered model → scorecard
    serve.py         `serve`: a registered model → a server that answers requests
    settle.py        `settle`: logged predictions → compared with what happened
    stage_history.py `follow_stages`: tables → transitions between lifecycle stages, and dwell times
    target.py        `target`: scores and offers → the list worth contacting, with its holdout
    train.py         `train`: tables → evaluated, recorded and registered model
    uplift.py        `learn_effects`: contacts with a control group → individual effects of each offer
    what_if.py       `what_if`: the effect of more retention or lower costs
    win_back.py      `win_back`: tables → dormant and lost customers by the value of a return
"""
