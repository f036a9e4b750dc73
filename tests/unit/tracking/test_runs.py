"""One training, one run: all of it is there to be looked at, and nothing of the customers."""

import json
from datetime import date

import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from patron.errors import ModelError
from patron.tracking.runs import start_training_run
from patron.tracking.store import Store
from small_model import CATALOGUE, make_rows

REJECTED = {"amount is NaN (not a number)": 3}
REPORT = {
    "transactions": {"rows_read": 120, "rejected": REJECTED, "first_day": "2024-01-01"},
    "engagement": None,
}


def files_of(run):
    def below(path):
        found = mlflow.artifacts.list_artifacts(run_id=run.run_id, artifact_path=path)
        return [file for entry in found for file in (below(entry.path) if entry.is_dir else [entry.path])]

    return sorted(below(None))


def text_of(run, path):
    return mlflow.artifacts.load_text(f"runs:/{run.run_id}/{path}")


@pytest.fixture(scope="module")
def run(store, bundle):
    """A run with everything in it."""
    with start_training_run(store, "nightly", {"source": "shop"}) as run:
        run.log_settings(
            {"horizon_days": 90, "as_of": date(2024, 6, 30), "tables": {"transactions": make_rows(3)}}
        )
        run.log_report(REPORT)
        run.log_catalogue(CATALOGUE)
        run.log_metrics({"auc": 0.81, "top_decile_lift": np.float64(3.2)})
        run.log_table(pd.DataFrame({"model": ["churn", "recency"], "auc": [0.81, 0.74]}), "comparison")
        figure = Figure()
        figure.subplots().plot([0, 1], [0, 1])
        run.log_figure(figure, "calibration")
        run.log_part("churn", params={"num_leaves": 15}, metrics={"auc": 0.81}, documents={"gain.csv": "a,1"})
        run.log_part("value", params={"family": "bgnbd"}, metrics={"r_hat_max": 1.001})
    return run


def test_settings_are_parameters_by_dotted_names(store, run):
    assert store.client().get_run(run.run_id).data.params == {
        "horizon_days": "90",
        "as_of": "2024-06-30",
        "tables.transactions": "DataFrame of 3 rows and 14 columns",
    }


def test_counts_of_the_report_are_metrics_beside_the_others(store, run):
    assert store.client().get_run(run.run_id).data.metrics == {
        "auc": 0.81,
        "top_decile_lift": 3.2,
        "data.transactions.rows_read": 120,
        "data.transactions.rejected.amount is NaN _not a number_": 3,
    }


def test_documents_tables_and_figures_are_files(run):
    assert files_of(run) == [
        "data_report.json",
        "features.json",
        "figures/calibration.png",
        "tables/comparison.csv",
    ]
    assert json.loads(text_of(run, "data_report.json")) == REPORT
    assert json.loads(text_of(run, "features.json")) == json.loads(json.dumps(CATALOGUE.to_dict()))
    assert text_of(run, "tables/comparison.csv") == "model,auc\nchurn,0.81\nrecency,0.74\n"


def test_both_models_are_runs_below_it(store, run):
    below = store.client().search_runs([store.experiment_id], f"tags.mlflow.parentRunId = '{run.run_id}'")
    found = {child.info.run_name: (child.data.params, child.data.metrics) for child in below}
    assert found == {
        "churn": ({"num_leaves": "15"}, {"auc": 0.81}),
        "value": ({"family": "bgnbd"}, {"r_hat_max": 1.001}),
    }


def test_a_finished_run_says_so(store, run):
    kept = store.client().get_run(run.run_id)
    assert (kept.info.status, kept.info.run_name, kept.data.tags["source"]) == ("FINISHED", "nightly", "shop")


@pytest.mark.parametrize(("raised", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_training_that_breaks_off_leaves_a_run_that_says_so(store, raised, status):
    with pytest.raises(raised), start_training_run(store) as run:
        raise raised
    assert store.client().get_run(run.run_id).info.status == status
    assert mlflow.active_run() is None


def test_two_trainings_are_two_runs(store):
    with start_training_run(store) as one:
        one.log_metrics({"auc": 0.7})
    with start_training_run(store) as other:
        other.log_metrics({"auc": 0.8})
    assert one.run_id != other.run_id
    assert store.client().get_run(one.run_id).data.metrics == {"auc": 0.7}


def test_a_metric_that_is_not_known_is_kept_as_nan(store):
    with start_training_run(store) as run:
        run.log_metrics({"brier_skill": float("nan")})
    assert np.isnan(store.client().get_run(run.run_id).data.metrics["brier_skill"])


def test_a_store_that_is_not_there_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ModelError, match="The MLflow store"),
        start_training_run(Store(f"sqlite:///{tmp_path}/file/mlflow.db", "1")),
    ):
        pass
