"""Scoring: one scorecard row per customer, by DuckDB on one machine or by Spark.

::

    costs_to_serve.py   cost to serve of each customer up to a day
    drift.py            whether the scored customers still resemble those of the training
    engines.py          `choose_engine`: which of the two engines does the work
    job_stages.py       stages of a long job: name, rows and seconds
    model_choice.py     load the model, and check what is asked of it
    on_duckdb.py        the engine of one machine: features by DuckDB, scores in batches
    on_spark.py         the engine of many machines: features, scores and files by Spark
    options.py          `ScoringOptions`: how a scorecard is made; `ScoringJob`: one scoring in progress
    potential_parts.py  components of the four potentials, for `patron score --potentials`
    potentials.py       network and learning potential: columns added to the features
    preparation.py      write features and events into the workspace
    ranks.py            the population in which every customer is ranked
    resuming.py         whether an interrupted job can be resumed
    summary.py          a scorecard in a few numbers
    value_model.py      the value model of a registered model, or one fitted to the customers at hand
"""
