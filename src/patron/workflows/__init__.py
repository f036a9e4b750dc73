"""The jobs that patron does, each a recipe: a table of contents of calls into the rooms below.

==================  =====================================================================================
settings.py         `Settings`, everything that can be set, and `read_settings`: defaults < TOML file < flags
inputs.py           settings → the `History` of one business
outputs.py          files that appear whole or not at all; Parquet or CSV by the ending
progress.py         how a job tells what it is doing
check.py            `check`: tables → data report and rejected rows
features.py         `build_features`: tables → one feature row per customer as of a date
train.py            `train`: tables → evaluated, recorded and registered model; its steps:
  matured.py          past snapshots, their features beside what happened next
  evaluation.py       the classifier and simple rules on the newest of them
  promotion.py        which version is champion
  recording.py        run and registered version
score.py            `score`: tables and a registered model → scorecard
serve.py            `serve`: a registered model → a server that answers requests
releases.py         `list_models`, `promote`, `rollback`, `export`: the registry between two trainings
demo.py             `demo`: all of it on sample data
==================  =====================================================================================
"""
