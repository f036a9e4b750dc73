"""What the recipes that train share: fitting, evaluation, champion gate, recording, leak test.

::

    baselines.py           The baselines of one day: fitted on what was known then, and asked about the same
                           customers as the model.
    champion_gate.py       Which version is champion: the gate that a newcomer has to pass.
    evaluation.py          How good a model was: what it said on one day against what the horizon after that
                           day brought.
    fit_bundle.py          What is known → a fitted bundle: the one procedure behind training, its test, and
                           every cut of a backtest.
    labelled_snapshots.py  The snapshots that have matured: features as of past days, beside what happened in
                           the horizon after.
    leak_test.py           The canary in the mine: rows of the future are planted, and no feature and no
                           score may move.
    recording.py           A training → its run in MLflow and its registered version.
    training_snapshots.py  One matured snapshot as models learn from it: what was seen and expected on the
                           day, and what came after.
"""
