import json
import subprocess
import sys

import pandas as pd
import pytest

from patron.errors import InputError
from patron.features.assemble import discover_catalogue
from patron.features.catalogue import FeatureCatalogue, FeatureSpec


@pytest.fixture
def catalogue(history_of, as_of):
    history = history_of(
        [(1, "2024-01-05", 20.0), (2, "2024-06-30", 5.0)],
        [(1, "2024-06-01", "email_sent"), (1, "2024-06-02", "باز کردن")],
        {"customer_id": [1, 2], "town": ["Yazd", "Qom"], "acquired_at": ["2024-01-01", None]},
    )
    return discover_catalogue(history, as_of)


def test_a_catalogue_survives_json(catalogue):
    assert FeatureCatalogue.from_dict(json.loads(json.dumps(catalogue.to_dict()))) == catalogue


def test_every_feature_is_a_number_or_a_category_of_one_topic(catalogue):
    assert sorted(catalogue.numbers + catalogue.categories) == sorted(catalogue.names)
    assert [name for names in catalogue.topics.values() for name in names] != []
    assert sum(len(names) for names in catalogue.topics.values()) == len(catalogue)
    assert catalogue.categories == ("attribute_town",)


def test_every_feature_has_a_text_for_a_customer_of_whom_nothing_is_known(catalogue):
    for spec in catalogue.specs:
        said = spec.describe({})
        assert said
        assert "{" not in said
        assert "nan" not in said


def test_every_feature_has_a_text_when_only_its_own_value_is_known(catalogue):
    for spec in catalogue.specs:
        said = spec.describe({spec.name: "Yazd" if spec.dtype == "category" else 2.0})
        assert said
        assert "{" not in said


def test_a_row_may_be_a_series():
    spec = FeatureSpec("T", "tenure", "day", "number", "first order {value:day} ago")
    assert spec.describe(pd.Series({"T": 12.0})) == "first order 12 days ago"


def test_a_template_may_be_a_plain_format_string():
    spec = FeatureSpec(
        "days_since_last",
        "recency",
        "day",
        "number",
        "last order {value:.0f} days ago, usually every {gap_median:.0f}",
    )
    assert (
        spec.describe({"days_since_last": 63.0, "gap_median": 21.0})
        == "last order 63 days ago, usually every 21"
    )
    assert spec.describe({"days_since_last": 63.0, "gap_median": None}) == "days since last 63.0"


def test_names_that_differ_in_case_alone_are_refused():
    specs = tuple(FeatureSpec(name, "tenure", "day", "number", "{value:day}") for name in ("T", "t"))
    with pytest.raises(InputError, match=r"\['T', 't'\] share a name"):
        FeatureCatalogue(specs)


def test_reading_a_catalogue_needs_no_engine():
    heavy = "{'ibis', 'duckdb', 'pymc', 'mlflow', 'matplotlib', 'sklearn', 'lightgbm'}"
    code = f"import sys, patron.features.catalogue; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
