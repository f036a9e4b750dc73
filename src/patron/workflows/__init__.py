"""The jobs that patron does, each a recipe: a table of contents of calls into the rooms below.

==================  =====================================================================================
settings.py         `Settings`, everything that can be set, and `read_settings`: defaults < TOML file < flags
inputs.py           settings → the `History` of one business
outputs.py          files that appear whole or not at all; Parquet or CSV by the ending
progress.py         how a job tells what it is doing
check.py            `check`: tables → data report and rejected rows
features.py         `build_features`: tables → one feature row per customer as of a date
train.py            `train`: tables → evaluated, recorded and registered model; its steps:
  lessons.py          past snapshots as models learn from them
  matured.py          past snapshots, their features beside what happened next
  fitting.py          `fit_bundle`: the one procedure that fits everything known on a day
  evaluation.py       what a day's predictions were worth, beside those of the baselines
  baselines.py        the baselines of one day
  promotion.py        which version is champion
  recording.py        run and registered version
backtest.py         `backtest`: tables → how good the model would have been on several past days
leaks.py            `find_leaks`: whether a row of the future moves a feature or a score
score.py            `score`: tables and a registered model → scorecard
  drift.py            whether the customers are still those of the training
serve.py            `serve`: a registered model → a server that answers requests
releases.py         `list_models`, `promote`, `rollback`, `export`: the registry between two trainings
kpis.py             `kpis`: tables → indicators of the customer base, and what customers cost to win
costs.py            `costs`: tables → what it costs to keep customers, and where the ledger went
plans.py            `plans`: contracts → a monthly against an annual plan
what_if.py          `what_if`: what more retention or less cost would do
leads.py            `score_leads`: which leads are worth a call
demo.py             `demo`: all of it on sample data
==================  =====================================================================================
"""
