"""How good predictions are, and whether they beat simple baselines.

::

    baselines.py          simple rules that a model must beat; `compare`, one row of metrics per model
    bootstrap.py          `paired_bootstrap`: is one model better than another, or was it chance
    drift.py              population stability index; early alarm by purchases since the training
    learned_baselines.py  logistic regression and plain trees as baselines
    metrics.py            churn: metrics, calibration table, lift table
    score_monitoring.py   logged predictions joined with outcomes, and how good each version was
    value_metrics.py      value: metrics, intervals, decile table
    weighted.py           metrics of many bootstrap resamples at once
"""
