"""Package a bundle as a model that MLflow loads anywhere: with its own code, without pickle.

::

    MLmodel              what MLflow knows of the model: signature, metadata
    entry.py             what it runs
    code/patron/         the packages that prediction needs, so that it loads where patron is not installed
    artifacts/bundle/    trees, draws and settings
    requirements.txt     what prediction needs, pinned to the versions it was saved with

The signature declares all numbers as double: MLflow would cut 1.5 to 1 in a column of whole numbers. Ids are
texts or whole numbers, as in training. All columns are optional as far as MLflow is concerned: a request may
hold all features or the four purchase columns alone, with or without `OPTIONAL_COLUMNS`; and where a required
column is missing, MLflow's scoring server answers with the rows that it received. So the model checks its
columns itself (guard.py) and names the missing one without any customer data.
"""

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from patron.errors import ModelError
from patron.models.bundle.bundle import Bundle
from patron.models.value.rfm import RFM_COLUMNS
from patron.scores.columns import OPTIONAL_COLUMNS, SCORECARD_TYPES
from patron.tracking.store import be_quiet

__all__ = ["BUNDLE_ARTIFACT", "input_example", "log_bundle", "make_signature", "save_bundle_as_model"]

BUNDLE_ARTIFACT = "bundle"
"""The name of the bundle among the artifacts of the MLflow model."""

NEEDED_TO_PREDICT = ("lightgbm", "mlflow", "numpy", "pandas", "scipy")
PACKAGE = Path(__file__).parents[1]
PACKAGES_TO_PREDICT = ("features", "models", "scores", "tracking")

ID_TYPES = {"text": DataType.string, "whole": DataType.long}

ANSWER_TYPES = {
    "date": DataType.string,
    "time": DataType.string,
    "text": DataType.string,
    "whole": DataType.long,
    "number": DataType.double,
}


def save_bundle_as_model(bundle: Bundle, folder: str | Path) -> Path:
    """Write the bundle as an MLflow model into a new or empty folder.

    Parameters
    ----------
    bundle
        the model
    folder
        new or empty

    Raises
    ------
    ModelError
        the folder is not empty, or the bundle is too large

    Examples
    --------
    With the `bundle` of the example of :class:`patron.models.bundle.bundle.Bundle`:

    >>> folder = save_bundle_as_model(bundle, tempfile.mkdtemp())
    >>> model = mlflow.pyfunc.load_model(str(folder))
    >>> answer = model.predict(input_example(bundle), params={"horizon_days": 30})
    >>> answer[["customer_id", "horizon_days", "churn_band"]].to_dict("records")
    [{'customer_id': 'customer 1', 'horizon_days': 30, 'churn_band': None}]
    """
    folder = Path(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise ModelError(f"The folder {str(folder)!r} is not empty. Name a new one.")
    be_quiet()
    with tempfile.TemporaryDirectory() as parts:
        mlflow.pyfunc.save_model(path=str(folder), **_model_parts(bundle, Path(parts)))
    return folder


def log_bundle(bundle: Bundle) -> str:
    """Log the bundle as a model of the open run.

    Parameters
    ----------
    bundle
        the model

    Returns
    -------
    str
        The URI of the model.

    Examples
    --------
    See :meth:`patron.tracking.runs.TrainingRun.log_bundle`.
    """
    with tempfile.TemporaryDirectory() as parts:
        logged = mlflow.pyfunc.log_model(name="model", **_model_parts(bundle, Path(parts)))
    return str(logged.model_uri)


def make_signature(bundle: Bundle) -> ModelSignature:
    """The columns of a request and of its answer, and the parameters with their defaults.

    Parameters
    ----------
    bundle
        the model

    Examples
    --------
    See :func:`save_bundle_as_model`.
    """
    catalogue = bundle.catalogue
    numbers = (*RFM_COLUMNS, *catalogue.numbers, *OPTIONAL_COLUMNS)
    kinds = {"customer_id": ID_TYPES[bundle.customer_ids], "as_of": DataType.string}
    kinds |= dict.fromkeys(numbers, DataType.double) | dict.fromkeys(catalogue.categories, DataType.string)
    answer_types = ANSWER_TYPES | {"id": ID_TYPES[bundle.customer_ids]}
    answer = [ColSpec(answer_types[kind], name, required=False) for name, kind in SCORECARD_TYPES.items()]
    return ModelSignature(
        inputs=Schema([ColSpec(kind, name, required=False) for name, kind in kinds.items()]),
        outputs=Schema(answer),
        params=ParamSchema(
            [
                ParamSpec("horizon_days", DataType.long, bundle.horizon_days),
                ParamSpec("value_horizon_days", DataType.long, bundle.value_horizon_days),
                ParamSpec("annual_discount_rate", DataType.double, bundle.annual_discount_rate),
                ParamSpec("reasons", DataType.boolean, True),
            ]
        ),
    )


def input_example(bundle: Bundle) -> pd.DataFrame:
    """The smallest valid request, of a fictitious customer.

    Parameters
    ----------
    bundle
        the model
    """
    return pd.DataFrame(
        {
            "customer_id": [1] if bundle.customer_ids == "whole" else ["customer 1"],
            "as_of": [bundle.as_of.isoformat()],
            "frequency": [3.0],
            "recency": [200.0],
            "T": [270.0],
            "monetary_value": [25.0],
        }
    )


def _model_parts(bundle: Bundle, parts: Path) -> dict[str, Any]:
    return {
        "python_model": str(PACKAGE / "tracking" / "entry.py"),
        "artifacts": {BUNDLE_ARTIFACT: str(bundle.save(parts / BUNDLE_ARTIFACT))},
        "code_paths": [str(_code_to_predict(parts / PACKAGE.name))],
        "signature": make_signature(bundle),
        "input_example": input_example(bundle),
        "pip_requirements": [f"{name}=={version(name)}" for name in NEEDED_TO_PREDICT],
        "metadata": bundle.describe(),
    }


def _code_to_predict(folder: Path) -> Path:
    """A copy of the code without what prediction never imports, which keeps the model small."""
    folder.mkdir()
    for part in PACKAGE.iterdir():
        if part.name in PACKAGES_TO_PREDICT:
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif part.suffix == ".py":
            shutil.copy(part, folder)
    return folder
