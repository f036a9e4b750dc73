"""ChurnClassifier passes for a scikit-learn classifier without being built on scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from patron.errors import SettingsError
from patron.models.churn.classifier import ChurnClassifier

rng = np.random.default_rng(0)
X = pd.DataFrame(
    {"days_since_last": rng.integers(0, 200, 900), "attribute_plan": rng.choice(["basic", "gold"], 900)}
)
y = (rng.random(900) < X["days_since_last"] / 250).astype(int)
SMALL = ChurnClassifier(n_estimators=30, early_stopping_rounds=5)


def test_fit_returns_itself():
    model = clone(SMALL)
    assert model.fit(X, y) is model
    check_is_fitted(model)
    assert is_classifier(model)
    np.testing.assert_array_equal(model.classes_, [0, 1])
    np.testing.assert_array_equal(model.feature_names_in_, ["days_since_last", "attribute_plan"])


def test_a_clone_has_the_settings_and_nothing_learned():
    fitted = ChurnClassifier(num_leaves=7, n_estimators=20).fit(X, y)
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "classes_")


def test_cross_validation_accepts_it():
    assert cross_val_score(SMALL, X, y, scoring="roc_auc", cv=3).mean() > 0.6
    assert cross_val_score(SMALL, X, y, scoring="neg_brier_score", cv=3).mean() > -0.25
    accuracy = cross_val_score(SMALL, X, y, cv=3)
    assert ((accuracy > 0.5) & (accuracy < 1)).all()


def test_a_search_in_a_pipeline_accepts_it():
    pipeline = make_pipeline(FunctionTransformer(), SMALL)
    search = GridSearchCV(pipeline, {"churnclassifier__num_leaves": [2, 7]}, scoring="roc_auc", cv=2).fit(
        X, y
    )
    assert search.best_params_["churnclassifier__num_leaves"] in (2, 7)


def test_an_unknown_setting_is_answered_with_the_known_ones():
    with pytest.raises(SettingsError, match="ChurnClassifier has no setting 'depth'; it has n_estimators, "):
        ChurnClassifier().set_params(depth=3)


def test_what_it_prints_is_what_was_changed():
    assert repr(ChurnClassifier()) == "ChurnClassifier()"
    assert (
        repr(ChurnClassifier(num_leaves=7, calibration=None))
        == "ChurnClassifier(num_leaves=7, calibration=None)"
    )
