"""A bundle → a model that MLflow loads anywhere: with its own code, and without pickle.

::

    MLmodel              what MLflow knows of the model: signature, metadata
    entry.py             what it runs
    code/patron/         the rooms that predicting enters, so that it loads where patron is not installed
    artifacts/bundle/    trees, draws and settings
    requirements.txt     what predict needs, pinned to what it was saved with
"""

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow

from patron.errors import ModelError
from patron.models.bundle.bundle import Bundle
from patron.tracking.served import BUNDLE_ARTIFACT
from patron.tracking.signature import input_example, make_signature
from patron.tracking.store import be_quiet

__all__ = ["log_bundle", "save_bundle_as_model"]

NEEDED_TO_PREDICT = ("lightgbm", "mlflow", "numpy", "pandas", "scipy")
PACKAGE = Path(__file__).parents[1]
ROOMS_TO_PREDICT = ("features", "models", "scores", "tracking")


def save_bundle_as_model(bundle: Bundle, folder: str | Path) -> Path:
    """Write the bundle as an MLflow model into a new or empty folder.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ModelError
        the folder is not empty, or the bundle is too large

    Examples
    --------
    >>> from datetime import date
    >>> from patron.features.catalogue import FeatureCatalogue
    >>> from patron.models.value.purchases.model import BetaGeoModel
    >>> from patron.models.value.gamma_gamma import GammaGammaModel
    >>> from patron.models.value.model import CustomerValueModel
    >>> value = CustomerValueModel(
    ...     BetaGeoModel.from_params(r=0.24, alpha=31.0, a=0.79, b=2.43),
    ...     GammaGammaModel.from_params(p=6.25, q=3.74, v=15.4),
    ... )
    >>> bundle = Bundle(churn=None, value=value, catalogue=FeatureCatalogue(()), horizon_days=90,
    ...                 value_horizon_days=365, first_day=date(1997, 1, 1), as_of=date(1997, 9, 30))
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
    """Log the bundle as a model of the run that is open.

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
    """A copy of the package without the rooms that predicting never enters: the model stays small."""
    folder.mkdir()
    for part in PACKAGE.iterdir():
        if part.name in ROOMS_TO_PREDICT:
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif part.suffix == ".py":
            shutil.copy(part, folder)
    return folder
