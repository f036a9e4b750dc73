"""A trained model as a folder: all of it, nothing of the customers, and never half of it."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from patron.errors import ModelError, RangeError
from patron.models.bundle.bundle import MOST_BYTES, Bundle
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel
from small_model import AS_OF, make_rows

FILES = ("bundle.json", "churn.txt", "draws.npz")


@pytest.fixture
def folder(bundle, tmp_path):
    return bundle.save(tmp_path / "model")


def test_what_is_loaded_predicts_what_was_saved_to_the_last_digit(bundle, folder, rows):
    loaded = Bundle.load(folder)
    assert (loaded.churn.predict_proba(rows) == bundle.churn.predict_proba(rows)).all()
    pd.testing.assert_frame_equal(
        loaded.value.predict(rows, 90), bundle.value.predict(rows, 90), check_exact=True
    )


def test_the_settings_come_back(bundle, folder):
    loaded = Bundle.load(folder)
    assert loaded.describe() == bundle.describe()
    assert (loaded.catalogue, loaded.tiers) == (bundle.catalogue, bundle.tiers)
    assert (loaded.margin, loaded.annual_discount_rate, loaded.as_of) == (0.5, 0.10, AS_OF)


def test_saving_twice_writes_the_same_bytes(bundle, folder, tmp_path):
    again = bundle.save(tmp_path / "again")
    assert [(folder / name).read_bytes() for name in FILES] == [(again / name).read_bytes() for name in FILES]


def test_the_folder_holds_three_small_files_and_no_pickle(folder):
    assert tuple(sorted(file.name for file in folder.iterdir())) == FILES
    assert sum(file.stat().st_size for file in folder.iterdir()) < MOST_BYTES
    with np.load(folder / "draws.npz", allow_pickle=False) as draws:
        assert all(draws[name].dtype.kind in "fiub" for name in draws.files)


def test_no_customer_can_be_found_in_it(folder):
    held = b"".join(file.read_bytes() for file in folder.iterdir())
    assert [name for name in make_rows(1000)["customer_id"] if f'"{name}"'.encode() in held] == []


def test_a_model_without_a_classifier_is_two_files(value_only, tmp_path):
    folder = value_only.save(tmp_path / "value")
    assert sorted(file.name for file in folder.iterdir()) == ["bundle.json", "draws.npz"]
    loaded = Bundle.load(folder)
    assert loaded.churn is None
    assert loaded.describe()["churn_probability"] == "p_no_purchase"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_file_that_was_cut_short_is_found_out(folder, name, share):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match=f"{name} was cut short or changed.*Export or train the model again"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} cannot be read \\(No such file"):
        Bundle.load(folder)


def test_one_changed_number_among_the_trees_is_found_out(folder):
    trees = (folder / "churn.txt").read_text()
    (folder / "churn.txt").write_text(trees.replace("max_depth", "max_depht", 1))
    with pytest.raises(ModelError, match=r"churn\.txt was cut short or changed"):
        Bundle.load(folder)


def test_a_bundle_of_a_later_format_is_refused(folder):
    description = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(description | {"format": 5}))
    with pytest.raises(ModelError, match="it has format 5 and this version of patron reads 4"):
        Bundle.load(folder)


@pytest.mark.parametrize("lacking", ["catalogue", "value", "horizon_days", "files"])
def test_a_description_that_lacks_something_is_refused(folder, lacking):
    description = json.loads((folder / "bundle.json").read_text())
    del description[lacking]
    (folder / "bundle.json").write_text(json.dumps(description))
    with pytest.raises(ModelError, match=f"bundle.json does not fit \\('{lacking}'\\)"):
        Bundle.load(folder)


def test_a_model_that_is_too_large_is_not_saved(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("patron.models.bundle.bundle.MOST_BYTES", 1000)
    with pytest.raises(ModelError, match="and may take 1,000"):
        bundle.save(tmp_path / "large")
    assert not (tmp_path / "large").exists()


def test_a_folder_that_cannot_be_written_to_is_named(bundle, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ModelError, match=r"Cannot save the model to '.*taken'"):
        bundle.save(tmp_path / "taken")


@pytest.mark.parametrize("setting", ["horizon_days", "value_horizon_days"])
def test_a_horizon_is_at_least_a_day(bundle, setting):
    with pytest.raises(RangeError, match=f"Bundle.{setting} must be at least 1 day, got 0"):
        replace(bundle, **{setting: 0})


def test_data_do_not_end_before_they_begin(bundle):
    with pytest.raises(RangeError, match="first_day 2024-06-30 lies after"):
        replace(bundle, first_day=AS_OF, as_of=bundle.first_day)


def test_a_value_model_in_weeks_is_refused(bundle):
    weekly = BetaGeoModel.from_params(r=0.243, alpha=4.4, a=0.793, b=2.426, time_unit="W")
    with pytest.raises(RangeError, match="must count in days as feature rows do, and its unit is 'W'"):
        replace(bundle, value=CustomerValueModel(weekly, bundle.value.spend))


def test_loading_warns_of_nothing(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Bundle.load(folder)
