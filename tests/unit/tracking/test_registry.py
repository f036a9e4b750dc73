"""Versions of the registered model: which one scores, and what there is where one is missing."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from patron.errors import ModelError, ModelNotFoundError, SettingsError
from patron.tracking.registry import (
    export_model,
    find_version,
    list_versions,
    load_bundle,
    promote,
    register,
    rollback,
)
from patron.tracking.runs import start_training_run
from patron.tracking.store import open_store
from small_model import AS_OF, make_rows


def better(champion, newcomer):
    return champion is None or newcomer.metrics["brier"] < champion.metrics["brier"]


@pytest.fixture(scope="module")
def logged(store, bundle):
    """A run with a model: (run id, model URI)."""
    with start_training_run(store) as run:
        return run.run_id, run.log_bundle(bundle)


@pytest.fixture
def trained(store, bundle, logged, request):
    """Registers versions of a model of this test's own: a function of the Brier score."""

    def train(brier, **how):
        run_id, uri = logged
        return register(store, uri, bundle, {"brier": brier}, run_id=run_id, name=name, **how)

    name = re.sub(r"\W", "-", request.node.name)
    train.name = name
    return train


def aliases(store, trained):
    return {v.version: v.aliases for v in list_versions(store, name=trained.name)}


def test_the_first_version_is_champion(store, trained):
    first = trained(0.2)
    assert (first.version, first.aliases, first.uri) == (1, ("champion",), f"models:/{trained.name}/1")


def test_a_version_says_what_it_is_worth_and_what_it_has_seen(store, trained, logged, bundle):
    version = trained(0.2)
    assert version.metrics == {"brier": 0.2}
    assert (version.first_day, version.as_of, version.run_id) == (date(2022, 7, 1), AS_OF, logged[0])
    assert version.tags["horizon_days"] == "90"
    assert version.tags["churn_probability"] == "classifier"


def test_a_later_version_is_challenger_unless_the_rule_says_otherwise(store, trained):
    for brier in (0.2, 0.3):
        trained(brier, becomes_champion=better)
    assert aliases(store, trained) == {1: ("champion",), 2: ("challenger",)}
    assert trained(0.1).aliases == ("challenger",)


def test_a_better_version_takes_the_place_and_remembers_who_had_it(store, trained):
    trained(0.2)
    third = [trained(brier, becomes_champion=better) for brier in (0.3, 0.1)][-1]
    assert aliases(store, trained) == {1: (), 2: ("challenger",), 3: ("champion",)}
    assert third.tags["champion_before"] == "1"


def test_the_rule_sees_both_versions(store, trained):
    seen = []
    for brier in (0.2, 0.3):
        trained(brier, becomes_champion=lambda *both: seen.append(both) or both[0] is None)
    assert (seen[0][0], seen[0][1].version) == (None, 1)
    champion, newcomer = seen[1]
    assert (champion.version, champion.metrics) == (1, {"brier": 0.2})
    assert (newcomer.version, newcomer.metrics) == (2, {"brier": 0.3})


def test_a_challenger_that_is_promoted_is_no_longer_challenger(store, trained):
    trained(0.2)
    trained(0.3)
    assert promote(store, 2, name=trained.name).aliases == ("champion",)
    assert aliases(store, trained) == {1: (), 2: ("champion",)}


def test_rolling_back_goes_back_one_champion_after_the_other(store, trained):
    for brier in (0.3, 0.2, 0.1):
        trained(brier, becomes_champion=lambda champion, newcomer: True)
    assert rollback(store, name=trained.name).version == 2
    assert rollback(store, name=trained.name).version == 1
    assert aliases(store, trained) == {1: ("champion",), 2: (), 3: ()}
    stepped_down = {v.version: v.tags.get("rolled_back_to") for v in list_versions(store, name=trained.name)}
    assert stepped_down == {1: None, 2: "1", 3: "2"}
    with pytest.raises(ModelNotFoundError, match=f"No version was champion before models:/{trained.name}/1"):
        rollback(store, name=trained.name)


def test_rolling_back_to_a_deleted_version_says_what_there_is(store, trained):
    for brier in (0.3, 0.2):
        trained(brier, becomes_champion=lambda champion, newcomer: True)
    store.client().delete_model_version(trained.name, "1")
    with pytest.raises(ModelNotFoundError, match=f"no model 'models:/{trained.name}/1': .* the versions 2 "):
        rollback(store, name=trained.name)
    assert aliases(store, trained) == {2: ("champion",)}


def test_without_a_champion_there_is_nothing_to_roll_back(store, trained):
    trained(0.2, becomes_champion=lambda champion, newcomer: False)
    with pytest.raises(ModelNotFoundError, match=f"There is no model 'models:/{trained.name}@champion'"):
        rollback(store, name=trained.name)


def test_versions_are_listed_newest_first(store, trained):
    for _ in range(3):
        trained(0.2)
    assert [v.version for v in list_versions(store, name=trained.name)] == [3, 2, 1]


def test_where_nothing_is_registered_the_list_is_empty(store):
    assert list_versions(store, name="nothing") == []


def test_a_version_is_found_by_alias_and_by_number(store, trained):
    trained(0.2)
    by_alias = find_version(store, f"models:/{trained.name}@champion")
    assert by_alias == find_version(store, f"models:/{trained.name}/1")


@pytest.mark.parametrize("end", ["@winner", "/7"])
def test_a_version_that_is_not_there_is_told_with_what_is(store, trained, end):
    for _ in range(2):
        trained(0.2)
    found = f"'{trained.name}' has the versions 1, 2 and the aliases challenger, champion"
    with pytest.raises(ModelNotFoundError, match=f"There is no model .*: {found}"):
        find_version(store, f"models:/{trained.name}{end}")


def test_before_the_first_training_there_is_advice(store):
    with pytest.raises(ModelNotFoundError, match="no model 'other' is registered yet"):
        load_bundle(store, "models:/other@champion")


@pytest.mark.parametrize("uri", ["models:/patron", "models:/patron/latest", "models:/patron@a@b", "models:/"])
def test_a_uri_of_another_form_is_told_how_to_write_it(store, uri):
    with pytest.raises(ModelNotFoundError, match="Write models:/patron@champion or models:/patron/1"):
        load_bundle(store, uri)


def test_a_version_cannot_be_promoted_before_it_is_there(store):
    with pytest.raises(ModelNotFoundError, match="There is no model 'models:/patron/99'"):
        promote(store, 99)


def test_what_is_loaded_scores_as_what_was_trained(store, trained, bundle):
    trained(0.2)
    loaded, version = load_bundle(store, f"models:/{trained.name}@champion")
    rows = make_rows(10)
    assert version.version == 1
    assert (loaded.churn.predict_proba(rows) == bundle.churn.predict_proba(rows)).all()
    pd.testing.assert_frame_equal(loaded.value.predict(rows, 90), bundle.value.predict(rows, 90))


def test_a_model_of_a_run_is_loaded_too_and_is_no_version(store, logged):
    run_id, uri = logged
    for named in (uri, f"runs:/{run_id}/model"):
        loaded, version = load_bundle(store, named)
        assert (loaded.horizon_days, version) == (90, None)


@pytest.mark.parametrize("uri", ["runs:/0123456789abcdef/model", "models:/m-0123456789abcdef"])
def test_a_run_that_is_not_there_is_told(store, uri):
    with pytest.raises(ModelNotFoundError, match="There are no files of the model"):
        load_bundle(store, uri)


def test_an_exported_model_is_a_folder_that_can_be_moved(store, trained, tmp_path):
    trained(0.2)
    exported = export_model(store, f"models:/{trained.name}@champion", tmp_path / "model")
    moved = shutil.move(exported, tmp_path / "elsewhere")
    loaded, version = load_bundle(store, str(moved))
    assert (loaded.horizon_days, version) == (90, None)
    assert not list(Path(moved).rglob("__pycache__"))
    assert str(store.uri.removeprefix("sqlite:///")) not in (Path(moved) / "MLmodel").read_text()


def test_a_model_is_not_exported_over_other_files(store, trained, tmp_path):
    trained(0.2)
    (tmp_path / "note.txt").touch()
    with pytest.raises(SettingsError, match="it exists and is not empty"):
        export_model(store, f"models:/{trained.name}@champion", tmp_path)


def test_a_folder_that_is_no_model_is_told(store, tmp_path):
    with pytest.raises(ModelNotFoundError, match="it is neither a folder nor a URI such as models:"):
        load_bundle(store, str(tmp_path / "nothing"))
    with pytest.raises(ModelError, match=r"bundle\.json cannot be read"):
        load_bundle(store, str(tmp_path))


def test_a_version_whose_files_are_gone_is_told(store, bundle):
    with start_training_run(store) as run:
        uri = run.log_bundle(bundle)
    register(store, uri, bundle, {}, name="gone")
    shutil.rmtree(store.client().get_logged_model(uri.removeprefix("models:/")).artifact_location)
    with pytest.raises(ModelNotFoundError, match="There are no files of the model 'models:/gone/1'"):
        load_bundle(store, "models:/gone@champion")


def test_a_version_whose_file_was_cut_short_is_told(store, bundle):
    with start_training_run(store) as run:
        uri = run.log_bundle(bundle)
    register(store, uri, bundle, {}, name="cut")
    place = Path(store.client().get_logged_model(uri.removeprefix("models:/")).artifact_location)
    (place / "artifacts" / "bundle" / "churn.txt").write_text("tree")
    with pytest.raises(ModelError, match=r"churn\.txt was cut short or changed"):
        load_bundle(store, "models:/cut@champion")


def test_nothing_of_the_customers_is_in_the_registered_files(store, logged):
    place = Path(store.client().get_logged_model(logged[1].removeprefix("models:/")).artifact_location)
    written = " ".join(file.read_text() for file in place.rglob("*.json"))
    assert json.dumps(make_rows(1)["customer_id"][0]) not in written


def test_two_stores_do_not_get_in_each_others_way(store, trained, tmp_path):
    trained(0.2)
    other = open_store(tmp_path)
    assert list_versions(other, name=trained.name) == []
    assert load_bundle(store, f"models:/{trained.name}@champion")[1].version == 1
    with pytest.raises(ModelNotFoundError, match="is registered yet"):
        load_bundle(other, f"models:/{trained.name}@champion")


def test_a_project_that_was_moved_still_scores_and_hands_its_model_over(bundle, tmp_path):
    (tmp_path / "old").mkdir()
    before = open_store(tmp_path / "old")
    with start_training_run(before) as run:
        logged = run.log_bundle(bundle)
    register(before, logged, bundle, {}, run_id=run.run_id)
    (tmp_path / "old").rename(tmp_path / "new")
    store = open_store(tmp_path / "new")
    for uri in ("models:/patron@champion", logged):
        assert load_bundle(store, uri)[0].horizon_days == 90
        exported = export_model(store, uri, tmp_path / uri.rpartition("/")[2])
        assert (exported / "MLmodel").is_file()
        assert load_bundle(store, str(exported))[0].as_of == AS_OF
    noted = (tmp_path / "patron@champion" / "registered_model_meta").read_text()
    assert noted.split() == ["model_name:", "patron", "model_version:", "'1'"]

    shutil.rmtree(tmp_path / "new" / "mlruns" / "artifacts")
    with pytest.raises(ModelNotFoundError, match="There are no files of the model 'models:/patron/1'"):
        export_model(store, "models:/patron@champion", tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "old").exists()


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        (f"models:/patron/{2**63}", "There is no model"),
        ("models:/pat'ron/1", "is not the URI of a registered version"),
        ("http://127.0.0.1:9/model", "There are no files of the model"),
        ("", "There is no model '': it is neither a folder nor a URI"),
        ("x" * 5000, "it is neither a folder nor a URI"),
        (".", "There is no model '.': the folder has no file MLmodel"),
    ],
)
def test_what_names_no_model_is_not_exported(store, uri, words, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError, match=words):
        export_model(store, uri, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_place_that_takes_no_files_is_told_and_nothing_is_left(store, trained, tmp_path):
    trained(0.2)
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"Cannot export to '.*model': Not a directory\. Name another"):
        export_model(store, f"models:/{trained.name}/1", tmp_path / "file" / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
