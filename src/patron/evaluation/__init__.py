"""How good a prediction is, and whether it beats what anyone would have guessed.

==============  ===========================================================================================
metrics.py      `churn_metrics` and `ranking_metrics`, numbers by name; `calibration_table` and
                `lift_table`, tidy tables for figures
baselines.py    the simple rules that a model must beat: `recency_ranking`, `btyd_no_purchase`,
                `status_quo_value`; `compare`, one row of metrics per model
==============  ===========================================================================================
"""
