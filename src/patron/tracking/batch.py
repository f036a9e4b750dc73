"""A model that scores parts of a population next to the data, by MLflow's `spark_udf`.

The served model (served.py) validates requests from anywhere, and ranks a large request among itself. Here
the rows are patron's own, and every part must be ranked among all customers of the day: so the bundle carries
the grid of that day, and a row that cannot be scored gets its reason without affecting the others. Ids stay
where they are; a row is identified by its position.
"""

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, Schema

from patron.models.bundle.bundle import Bundle
from patron.scores.columns import OPTIONAL_COLUMNS, SCORECARD_TYPES, as_answer
from patron.scores.scorecard import make_scorecard
from patron.tracking.package import BUNDLE_ARTIFACT, NEEDED_TO_PREDICT, PACKAGE
from patron.tracking.store import be_quiet

__all__ = ["SCORED_COLUMNS", "BatchModel", "save_batch_model", "spark_scorer"]

PROVENANCE = ("customer_id", "as_of", "model_version", "scored_at")

SCORED_COLUMNS = tuple(name for name in SCORECARD_TYPES if name not in PROVENANCE)
"""The columns that the model returns; customer, day, version and time are added outside."""


class BatchModel(PythonModel):
    """Feature rows with as_of (ISO text) → `SCORED_COLUMNS`: numbers as double, dates as ISO text.

    Attributes
    ----------
    bundle
        the trained model with the grid of the scored population
    asked
        keywords of :func:`patron.scores.scorecard.make_scorecard`

    Examples
    --------
    See :func:`save_batch_model`.
    """

    bundle: Bundle
    asked: dict[str, Any]

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle that was saved with the code.

        Parameters
        ----------
        context
            of MLflow, with the place of the bundle
        """
        self.bundle = Bundle.load(Path(context.artifacts[BUNDLE_ARTIFACT]))
        self.asked = dict(context.model_config or {})

    def predict(
        self, context: PythonModelContext | None, model_input: pd.DataFrame, params: Any = None
    ) -> pd.DataFrame:
        """The scores of some customers.

        Parameters
        ----------
        context
            not used
        model_input
            feature rows with as_of (ISO text)
        params
            not used
        """
        rows = model_input.reset_index(drop=True).assign(customer_id=np.arange(len(model_input)))
        card = make_scorecard(rows, self.bundle, ranks="model", form=as_answer, **self.asked)
        return pd.DataFrame({name: _sent(card[name], SCORECARD_TYPES[name]) for name in SCORED_COLUMNS})


def save_batch_model(bundle: Bundle, folder: str | Path, **asked: Any) -> Path:
    """Write a bundle as a `BatchModel` into a new folder.

    Parameters
    ----------
    bundle
        with the grid by which customers are ranked
    folder
        new
    asked
        keywords of :func:`patron.scores.scorecard.make_scorecard` with JSON values, such as reasons

    Returns
    -------
    Path
        The folder.

    Examples
    --------
    With the `bundle` of the example of :class:`patron.models.bundle.bundle.Bundle`:

    >>> import tempfile
    >>> folder = save_batch_model(bundle, tempfile.mkdtemp() + "/model", reasons=False)
    >>> rfm = pd.DataFrame({"as_of": ["1997-09-30"] * 2, "frequency": [3.0, 2.0], "recency": [200.0, 300.0],
    ...                     "T": [270.0, 270.0], "monetary_value": [25.0, 30.0]})
    >>> said = mlflow.pyfunc.load_model(str(folder)).predict(rfm)
    >>> said["expected_purchases"].round(1).tolist(), said["not_scored_reason"][1][:25]
    ([0.6, nan], 'recency must lie between ')
    """
    folder = Path(folder)
    be_quiet()
    saved = bundle.save(folder.with_name(f"{folder.name}-bundle"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input example was not provided")  # it goes to no registry
        mlflow.pyfunc.save_model(
            path=str(folder),
            python_model=str(PACKAGE / "tracking" / "batch_entry.py"),
            artifacts={BUNDLE_ARTIFACT: str(saved)},
            code_paths=[str(PACKAGE)],
            signature=_signature(bundle),
            pip_requirements=[f"{name}=={version(name)}" for name in NEEDED_TO_PREDICT],
            metadata=bundle.describe(),
            model_config={"reasons": True} | asked,
        )
    return folder


def spark_scorer(session: Any, folder: Path) -> Any:
    """The model as a function of Spark columns, computed by Spark's workers.

    Parameters
    ----------
    session
        Spark session
    folder
        what `save_batch_model` returned

    Returns
    -------
    Any
        Function of one column, a struct of as_of (text), the features and perhaps `OPTIONAL_COLUMNS`; its
        result is a struct of `SCORED_COLUMNS`, whole numbers as double

    Examples
    --------
    See :func:`patron.scoring.on_spark.OnSpark.score`.
    """
    import pyspark.sql.types as st

    be_quiet()
    kinds = {"number": st.DoubleType(), "whole": st.DoubleType()}
    answer = st.StructType(
        [st.StructField(name, kinds.get(SCORECARD_TYPES[name], st.StringType())) for name in SCORED_COLUMNS]
    )
    return mlflow.pyfunc.spark_udf(session, str(folder), result_type=answer, env_manager="local")


def _signature(bundle: Bundle) -> ModelSignature:
    catalogue = bundle.catalogue
    texts = ["as_of", *catalogue.categories]
    rfm = [] if len(catalogue) else ["frequency", "recency", "T", "monetary_value"]
    inputs = [ColSpec(DataType.string, name, required=False) for name in texts]
    inputs += [
        ColSpec(DataType.double, name, required=False)
        for name in (*rfm, *catalogue.numbers, *OPTIONAL_COLUMNS)
    ]
    answer = [
        ColSpec(
            DataType.double if SCORECARD_TYPES[name] in ("number", "whole") else DataType.string,
            name,
            required=False,
        )
        for name in SCORED_COLUMNS
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(answer))


def _sent(values: pd.Series, kind: str) -> Any:
    """Numbers with NaN and texts with a missing value, which Arrow turns into null."""
    if kind in ("number", "whole"):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return values.astype(pd.StringDtype(na_value=np.nan))
