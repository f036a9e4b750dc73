"""Uplift on the Hillstrom e-mail test beside scikit-uplift, on the same folds with the same trees.

    python benchmarks/uplift.py --data hillstrom.parquet --peers PEERS/bin/python

The data file (64,000 customers: recency, history, mens, womens, zip_code, newbie, channel, segment, visit) is
not part of the project. The peers' environment needs scikit-uplift, lightgbm and pyarrow. Prints one JSON.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from patron.campaigns.uplift.metrics import uplift_metrics
from patron.campaigns.uplift.model import UpliftModel
from patron.campaigns.uplift.trial import Trial, stratified_folds

FEATURES = ["recency", "history", "mens", "womens", "zip_code", "newbie", "channel"]
CAMPAIGNS = {
    "any": ("Mens E-Mail", "Womens E-Mail"),
    "mens": ("Mens E-Mail",),
    "womens": ("Womens E-Mail",),
}
TREES = {
    "small": {
        "n_trees": 100,
        "learning_rate": 0.05,
        "num_leaves": 4,
        "max_depth": 3,
        "min_child_samples": 100,
    },
    "usual": {
        "n_trees": 100,
        "learning_rate": 0.1,
        "num_leaves": 31,
        "max_depth": -1,
        "min_child_samples": 20,
    },
}
"""The small trees of patron, and those that LightGBM grows when nobody asks otherwise."""
FOLDS = 5


def main() -> None:
    """Compare and print."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--data", type=Path, required=True)
    given.add_argument("--campaign", choices=CAMPAIGNS, default="womens")
    given.add_argument("--trees", choices=TREES, default="small")
    given.add_argument("--peers", default="benchmarks/.venv/bin/python", help="Python that has scikit-uplift")
    asked = given.parse_args()
    trees = TREES[asked.trees]

    rows = pd.read_parquet(asked.data) if asked.data.suffix == ".parquet" else pd.read_csv(asked.data)
    rows = rows[rows["segment"].isin([*CAMPAIGNS[asked.campaign], "No E-Mail"])].reset_index(drop=True)
    treated = (rows["segment"] != "No E-Mail").to_numpy(dtype=float)
    outcome, X = rows["visit"].to_numpy(dtype=float), rows[FEATURES]
    fold = stratified_folds(Trial(np.empty((len(rows), 0), np.float32), treated, outcome, None), FOLDS, 0)

    began, said = time.perf_counter(), np.empty(len(rows))
    kept = []
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        model = UpliftModel(**trees).fit(X[train], treated[train], outcome[train])
        said[test] = model.predict(X[test])["effect"]
        kept.append(model.learner_)
    seconds = time.perf_counter() - began
    predictions = {"patron": said} | _peers(
        asked.peers, X.assign(treated=treated, outcome=outcome, fold=fold), trees
    )

    table = pd.DataFrame([_row(name, outcome, treated, effect, fold) for name, effect in predictions.items()])
    found = {"campaign": asked.campaign, "trees": asked.trees, "customers": len(rows), "learners_kept": kept}
    found |= {"seconds_patron": round(seconds, 1), "table": table.round(4).to_dict("records")}
    json.dump(found, sys.stdout, indent=1)
    print()


def _peers(python: str, trial: pd.DataFrame, trees: dict[str, float]) -> dict[str, np.ndarray]:
    """What each learner of scikit-uplift says; its LightGBM gets the same trees, to the last setting."""
    names = {"n_trees": "n_estimators"}
    alike = {names.get(name, name): value for name, value in trees.items()}
    alike |= {"colsample_bytree": 0.7, "subsample": 0.8, "subsample_freq": 1, "reg_lambda": 1.0}
    alike |= {"random_state": 0, "verbosity": -1, "n_jobs": 2}
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder, "trial.parquet"), Path(folder, "predictions.parquet")
        trial.to_parquet(data)
        script = Path(__file__).with_name("peer_scikit_uplift.py")
        subprocess.run([python, str(script), str(data), str(out), json.dumps(alike)], check=True)
        predictions = pd.read_parquet(out)
    return {f"scikit-uplift, {name}": predictions[name].to_numpy() for name in predictions.columns}


def _row(
    name: str, y: np.ndarray, treated: np.ndarray, effect: np.ndarray, fold: np.ndarray
) -> dict[str, object]:
    """Means over the folds."""
    folds = [
        uplift_metrics(y[part], treated[part], effect[part], draws=1).set_index("metric")["number"]
        for part in (fold == number for number in range(FOLDS))
    ]
    qini = [float(numbers["qini"]) for numbers in folds]
    at_30 = np.mean([float(numbers["uplift_at_30"]) for numbers in folds])
    return {
        "learner": name,
        "qini": float(np.mean(qini)),
        "qini_of_folds": np.round(qini, 4).tolist(),
        "uplift_at_30": at_30,
    }


if __name__ == "__main__":
    main()
