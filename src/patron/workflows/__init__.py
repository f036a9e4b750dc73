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
policy.py           what the settings decide of bands, stages and tiers
score.py            `score`: tables and a registered model → scorecard
  batch.py            its stages: features to a file, then some customers at a time
  batch_rows.py       scorecard rows as Arrow holds them
  batch_work.py       the folder from which a killed job is gone on with, and the lock
  batch_target.py     where the scores go: file, folder or database
  batch_output.py     parts → a file or folder, which takes the place of the old one
  databases.py        parts → a table, in one transaction
  stages.py           rows and seconds of each stage
  chosen_model.py     the model that scores, and what may be asked of it
  potentials.py       what referrals and contributions bring, beside the features
  potential_parts.py  the four potentials in their parts, headroom and equity
  spark_score.py      the same stages on Spark; spark_features.py, spark_output.py: its features and files
  drift.py            whether the customers are still those of the training
lifecycle.py        `stages_over_time`: tables → the stage of each customer at several past days
stage_history.py    `follow_stages`: tables → who moved from stage to stage, and how long a stage lasts
serve.py            `serve`: a registered model → a server that answers requests
releases.py         `list_models`, `promote`, `rollback`, `export`: the registry between two trainings
campaign.py         `target`: scores and offers → the list worth contacting; campaign_inputs.py reads them
  campaign_effects.py where the effect of each offer comes from: given, learned from contacts, or assumed
measure.py          `measure`: a list and what was bought since → what the contact changed
audience.py         `audience`: a list → a CSV file for marketing tools
uplift.py           `learn_effects`: contacts with a control group → what each offer changes for whom
winback.py          `win_back`: tables → dormant and lost customers by what a return is worth
due.py              `due`: tables → the dated list of offers due
follow_up.py        what these share: the value model, and first lives
ledger.py           `settle`: what scores promised → what happened; ledger_store.py keeps both
lookalikes.py       `find_lookalikes`: tables and a group → the customers most like it
kpis.py             `kpis`: tables → indicators of the customer base, and what customers cost to win
costs.py            `costs`: tables → what it costs to keep customers, and where the ledger went
plans.py            `plans`: contracts → a monthly against an annual plan
what_if.py          `what_if`: what more retention or less cost would do
leads.py            `score_leads`: which leads are worth a call
demo.py             `demo`: all of it on sample data
==================  =====================================================================================
"""
