"""How good a prediction is, and whether it beats what anyone would have guessed.

====================  =====================================================================================
metrics.py            churn: `churn_metrics` and `ranking_metrics`, numbers by name; `calibration_table` and
                      `lift_table`, tidy tables for figures
value_metrics.py      value: `value_metrics` and `interval_metrics`; `decile_table`
baselines.py          the simple rules that a model must beat: `recency_ranking`, `btyd_no_purchase`,
                      `btyd_value`, `status_quo_value`; `compare`, one row of metrics per model
learned_baselines.py  what anyone would fit in an afternoon: `PlainLogistic`, `PlainTrees`
bootstrap.py          `paired_bootstrap`: is one model better than another, or was it luck
weighted.py           metrics of many resamples at once
drift.py              are the customers still those of the training: `population_stability`, `early_alarm`
====================  =====================================================================================
"""
