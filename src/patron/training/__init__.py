"""Fitting, evaluation, promotion and recording of a model, as train, backtest and check share them.

::

    plan.py               TrainingPlan: every choice that a fit needs besides the data
    labelled_snapshots.py features as of past days, with the outcome of the horizon after each
    fit_bundle.py         what is known → a fitted bundle, in training and backtest alike
    evaluation.py         predictions of the model and of baselines against the outcome of the horizon
    promotion.py          PromotionDecision: whether a version becomes champion, and why
    champion_gate.py      the comparison of a challenger with the baselines and the champion
    recording.py          a training → its run in MLflow and its registered version
    leak_test.py          plants rows of the future and reports the features and scores that change
"""
