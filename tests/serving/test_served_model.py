"""The served model: the same scores as in batch, anywhere, without pickle, from any number of threads."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.models import Model

from patron.errors import ModelError
from patron.models.bundle.bundle import MOST_BYTES, Bundle
from patron.scores.columns import OPTIONAL_COLUMNS, SCORECARD_COLUMNS, SCORECARD_TYPES
from patron.scores.scorecard import freeze_tiers, make_scorecard
from patron.tracking.package import BUNDLE_ARTIFACT, save_bundle_as_model
from small_model import make_rows

NUMBERS = [name for name, kind in SCORECARD_TYPES.items() if kind == "number"]

FRESH_PROCESS = """
import importlib.util, json, sys
sys.path = [entry for entry in sys.path if not entry.rstrip("/").endswith("src")]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
assert importlib.util.find_spec("patron") is None, "patron is installed here"

import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
answer = model.predict(pd.DataFrame(json.load(sys.stdin)), params={"reasons": True})

import patron
assert patron.__file__.startswith(sys.argv[1]), patron.__file__
unwanted = {"duckdb", "ibis", "pymc", "nutpie", "matplotlib"} & set(sys.modules)
assert not unwanted, unwanted
print(json.dumps(answer.drop(columns="scored_at").to_dict("records"), allow_nan=False))
"""


def as_sent(rows):
    """The rows as JSON brings them."""
    return rows.assign(as_of=rows["as_of"].map(lambda day: day.isoformat()))


def test_it_says_what_the_scorecard_says(model, bundle):
    rows = make_rows(30, seed=7)
    answer, card = model.predict(rows), make_scorecard(rows, bundle)
    assert tuple(answer.columns) == SCORECARD_COLUMNS
    assert answer["customer_id"].tolist() == card["customer_id"].tolist()
    for name in NUMBERS:
        assert answer[name].astype(float).to_numpy() == pytest.approx(
            card[name].to_numpy(), nan_ok=True, rel=1e-12
        )
    told = [name for name, kind in SCORECARD_TYPES.items() if kind == "text" and name != "model_version"]
    assert answer[told].to_dict("list") == card[told].astype(object).where(card[told].notna(), None).to_dict(
        "list"
    )


def test_unknown_is_none_and_dates_are_iso(model):
    answer = model.predict(make_rows(30, seed=7))
    assert not answer.map(lambda value: isinstance(value, float) and np.isnan(value)).any(axis=None)
    assert answer["as_of"][0] == "2024-06-30"
    assert answer["next_purchase_on"].str.fullmatch(r"\d{4}-\d{2}-\d{2}").all()
    assert answer["not_scored_reason"][0] is None


def test_it_loads_where_patron_is_not_installed_and_pickle_is_forbidden(folder, model):
    rows = as_sent(make_rows(5, seed=7))
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, str(folder)],
        input=json.dumps(rows.astype(object).where(rows.notna(), None).to_dict("list")),
        env=ours | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    here = model.predict(rows).drop(columns="scored_at").to_dict("records")
    assert json.loads(done.stdout) == here


def test_it_takes_at_most_five_megabytes_and_holds_no_pickle(folder):
    files = [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    code = sum(file.stat().st_size for file in files if BUNDLE_ARTIFACT not in file.parts)
    assert code + MOST_BYTES < 5_000_000  # also with the largest bundle that can be saved
    assert [file.name for file in files if file.suffix in (".pkl", ".pickle", ".joblib")] == []
    held = (folder / "artifacts" / BUNDLE_ARTIFACT).iterdir()
    assert sorted(file.name for file in held) == ["bundle.json", "churn.txt", "draws.npz"]


def test_it_asks_for_just_what_predict_needs(folder):
    needed = ["lightgbm", "mlflow", "numpy", "pandas", "scipy"]
    pins = (folder / "requirements.txt").read_text().split()
    assert pins == [f"{name}=={version(name)}" for name in needed]


def test_all_numbers_of_a_request_are_double_and_no_column_is_a_trap(folder, bundle):
    inputs = Model.load(str(folder)).signature.inputs
    kinds = {column.name: str(column.type) for column in inputs.inputs}
    assert {kinds[name] for name in bundle.catalogue.numbers} == {"DataType.double"}
    assert {kinds[name] for name in ("customer_id", "as_of", "attribute_plan")} == {"DataType.string"}
    assert set(kinds) == {"customer_id", "as_of", *bundle.catalogue.names, *OPTIONAL_COLUMNS}
    assert inputs.required_input_names() == []


def test_ids_that_are_whole_numbers_in_training_are_whole_numbers_in_a_request(bundle, tmp_path):
    rows = make_rows(3).assign(customer_id=[7, 2**53 + 1, 9])
    whole = freeze_tiers(bundle, rows)
    loaded = mlflow.pyfunc.load_model(str(save_bundle_as_model(whole, tmp_path / "model")))
    assert loaded.predict(rows)["customer_id"].tolist() == [7, 2**53 + 1, 9]
    assert str(loaded.metadata.signature.inputs.input_dict()["customer_id"].type) == "DataType.long"


def test_the_parameters_say_what_the_model_does_by_itself(folder):
    params = Model.load(str(folder)).signature.params
    assert {p.name: (p.dtype.name, p.default) for p in params} == {
        "horizon_days": ("long", 90),
        "value_horizon_days": ("long", 365),
        "annual_discount_rate": ("double", 0.10),
        "reasons": ("boolean", True),
    }


def test_the_model_file_says_what_the_model_is(folder):
    described = yaml.safe_load((folder / "MLmodel").read_text())["metadata"]
    assert (described["as_of"], described["margin"], described["time_unit"]) == ("2024-06-30", 0.5, "D")


def test_its_example_is_a_request_that_it_answers(model, ask, folder):
    example = (folder / "serving_input_example.json").read_text()
    [row] = ask(example).rows
    assert row["customer_id"] == "customer 1"
    assert 0 < row["churn_probability"] < 1


def test_parameters_change_the_answer(model):
    rows = make_rows(4)
    asked = {"horizon_days": 30, "value_horizon_days": 730, "annual_discount_rate": 0.2, "reasons": False}
    own, other = model.predict(rows), model.predict(rows, params=asked)
    assert other["horizon_days"].tolist() == [30] * 4
    assert other["value_horizon_days"].tolist() == [730] * 4
    assert (other["expected_purchases"] < own["expected_purchases"]).all()
    assert other["reason_1"].tolist() == [None] * 4


def test_threads_get_the_answers_of_one_after_the_other(model):
    requests = [make_rows(n, seed=n) for n in (1, 2, 5, 20, 40)] * 4
    alone = [model.predict(rows).drop(columns="scored_at") for rows in requests]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda rows: model.predict(rows).drop(columns="scored_at"), requests))
    for one, other in zip(alone, together, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_request_does_not_change_the_rows_of_the_caller(model):
    rows = make_rows(5)
    before = rows.copy(deep=True)
    model.predict(rows)
    pd.testing.assert_frame_equal(rows, before)


def test_the_version_in_the_answer_is_the_one_that_was_loaded(bundle, tmp_path):
    folder = save_bundle_as_model(bundle, tmp_path / "model")
    (folder / "registered_model_meta").write_text("model_name: patron\nmodel_version: '12'\n")
    answer = mlflow.pyfunc.load_model(str(folder)).predict(make_rows(1))
    assert answer["model_version"].tolist() == ["12"]


def test_a_model_without_a_classifier_is_served_too(value_only, tmp_path):
    model = mlflow.pyfunc.load_model(str(save_bundle_as_model(value_only, tmp_path / "model")))
    answer = model.predict(make_rows(3))
    assert answer["reason_1"][0].endswith("this model has no churn classifier")
    assert answer["churn_probability"].between(0, 1).all()


def test_the_bundle_inside_is_the_bundle(folder, bundle):
    assert Bundle.load(folder / "artifacts" / BUNDLE_ARTIFACT).describe() == bundle.describe()


def test_a_folder_with_something_in_it_is_not_overwritten(bundle, tmp_path):
    (tmp_path / "note.txt").touch()
    with pytest.raises(ModelError, match="is not empty"):
        save_bundle_as_model(bundle, tmp_path)
