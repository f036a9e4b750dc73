"""What `patron models`, `promote`, `rollback` and `export` say and do."""

import json

import mlflow
import pandas as pd
import pytest

from patron.errors import ModelNotFoundError
from patron.tracking.registry import register
from patron.tracking.runs import start_training_run
from patron.tracking.store import open_store
from patron.workflows.releases import export, list_models, promote, rollback


@pytest.fixture(scope="module")
def registry(bundle, tmp_path_factory):
    """A store of this file's own with one logged model: (store, its URI)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATRON_HOME", str(tmp_path_factory.mktemp("releases")))
        store = open_store()
        with start_training_run(store) as run:
            yield store, run.log_bundle(bundle)


@pytest.fixture
def empty(registry):
    """The store without a version."""
    client = registry[0].client()
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)
    return registry[0]


@pytest.fixture
def versions(registry, empty, bundle):
    """Three versions, of which the first is champion and the last challenger."""
    store, uri = registry
    for brier in (0.3, 0.2, 0.1):
        register(store, uri, bundle, {"brier": brier}, tags={"verdict": "it was told to"})
    return store


def test_an_empty_registry_says_what_to_do(empty):
    found = list_models()
    assert found.table.empty
    assert found.sentences() == [f"No model is registered yet in {empty.uri}. Train one first."]


def test_the_table_tells_aliases_data_and_metrics(versions):
    found = list_models()
    assert found.table["version"].tolist() == [3, 2, 1]
    assert found.table["aliases"].fillna("").tolist() == ["challenger", "", "champion"]
    assert found.table["data"].unique().tolist() == ["2022-07-01 to 2024-06-30"]
    assert found.table["brier"].tolist() == [0.1, 0.2, 0.3]
    assert found.table["verdict"][0] == "it was told to"
    assert found.sentences() == []


def test_plain_values_are_json(versions):
    told = json.loads(json.dumps(list_models().to_dict()))
    assert [version["model_uri"] for version in told["versions"]] == [
        f"models:/patron/{n}" for n in (3, 2, 1)
    ]
    assert told["versions"][0]["metrics"] == {"brier": 0.1}


def test_a_promotion_by_hand_is_noted_and_can_be_taken_back(versions):
    promoted = promote(3)
    assert promoted.champion.tags["promoted_by_hand"] == "true"
    assert promoted.sentences()[0] == "models:/patron/3 is champion, replacing version 1."
    assert promote(3).sentences() == ["models:/patron/3 is still champion."]
    taken_back = rollback()
    assert (taken_back.champion.version, taken_back.before) == (1, 3)
    assert list_models().table["aliases"].fillna("").tolist() == ["", "", "champion"]


def test_a_version_that_is_not_there_is_not_promoted(versions):
    with pytest.raises(ModelNotFoundError, match=r"no model 'models:/patron/9': .* versions 1, 2, 3"):
        promote(9)


def test_an_exported_model_is_loaded_by_mlflow_alone_from_where_it_was_moved_to(versions, tmp_path):
    exported = export("models:/patron@champion", tmp_path / "model")
    moved = exported.folder.rename(tmp_path / "moved")
    row = {"customer_id": "a", "frequency": 2.0, "recency": 30.0, "T": 90.0, "monetary_value": 9.5}
    answer = mlflow.pyfunc.load_model(str(moved)).predict(pd.DataFrame([row]))
    assert answer["model_version"].tolist() == ["1"]
    assert exported.sentences()[1] == f"Serve it with: patron serve --model {exported.folder}"
