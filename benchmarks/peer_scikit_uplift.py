"""The learners of scikit-uplift on given folds, with given trees; run by uplift.py in the peers' environment.

python peer_scikit_uplift.py TRIAL.parquet PREDICTIONS.parquet TREES.json
"""

import json
import sys
import warnings

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklift.models import ClassTransformation, SoloModel, TwoModels


def main() -> None:
    """Predict every fold by models that were fitted to the others."""
    warnings.simplefilter("ignore")
    trial, out, trees = pd.read_parquet(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    X = trial.drop(columns=["treated", "outcome", "fold"])
    for name in X.select_dtypes(exclude="number").columns:
        X[name] = X[name].astype("category")
    y, treated, fold = trial["outcome"].astype(int), trial["treated"].astype(int), trial["fold"]

    def classifier() -> LGBMClassifier:
        return LGBMClassifier(**trees)

    learners = {
        "solo model": lambda: SoloModel(classifier()),
        "class transformation": lambda: ClassTransformation(classifier()),
        "two models": lambda: TwoModels(classifier(), classifier()),
        "two models, ddr control": lambda: TwoModels(classifier(), classifier(), method="ddr_control"),
        "two models, ddr treatment": lambda: TwoModels(classifier(), classifier(), method="ddr_treatment"),
    }
    said = {name: np.empty(len(trial)) for name in learners}
    for number in sorted(fold.unique()):
        train, test = fold != number, fold == number
        for name, make in learners.items():
            said[name][test] = make().fit(X[train], y[train], treated[train]).predict(X[test])
    pd.DataFrame(said).to_parquet(out)


if __name__ == "__main__":
    main()
