"""The model that MLflow loads and serves: requests in, scorecard rows out.

It reads its bundle once and never changes it, so MLflow's scoring server may call `predict` from any number
of threads. package.py declares the columns of a request, guard.py validates them.
"""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import Model
from mlflow.pyfunc import PythonModel, PythonModelContext
from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME
from mlflow.utils.yaml_utils import read_yaml

from patron.errors import InputError
from patron.models.bundle.bundle import Bundle
from patron.models.churn.rows import count_rows
from patron.scores.columns import as_answer, as_json
from patron.scores.scorecard import score_columns
from patron.tracking.guard import check_parameters, check_request, refuse
from patron.tracking.package import BUNDLE_ARTIFACT

__all__ = ["ServedModel"]

log = logging.getLogger(__name__)


class ServedModel(PythonModel):
    """Feature rows → scorecard rows, as MLflow calls it.

    Attributes
    ----------
    bundle
        the trained model
    model_version
        version in the registry; MLflow's id of the model if it was loaded from a run or a folder; None if
        that is unknown too

    Examples
    --------
    See :func:`patron.tracking.package.save_bundle_as_model`.
    """

    bundle: Bundle
    model_version: str | None = None

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle that was saved with the code.

        Parameters
        ----------
        context
            of MLflow, with the place of the bundle
        """
        folder = Path(context.artifacts[BUNDLE_ARTIFACT])
        self.bundle = Bundle.load(folder)
        self.model_version = _version(folder.parents[1])

    def predict(
        self, context: PythonModelContext | None, model_input: pd.DataFrame, params: Any = None
    ) -> pd.DataFrame:
        """The scorecard rows of a request.

        Parameters
        ----------
        context
            not used
        model_input
            one row per customer: customer_id, as_of (optional), and either all features or
            frequency, recency, T and monetary_value
        params
            horizon_days, value_horizon_days, annual_discount_rate, reasons; the model's own if not given

        Returns
        -------
        pd.DataFrame
            All scorecard columns, None where unknown, dates as ISO text. Rows: those of the request, in
            order.

        Raises
        ------
        RefusedRequest
            status 400; the sentence names the column and the rule
        """
        return as_answer(*self._score(model_input, params))

    def answer(self, rows: Any, params: Any = None) -> str:
        """The scorecard rows of a request as JSON text, without a frame in between.

        Parameters
        ----------
        rows
            as for `predict`, or as :func:`patron.tracking.bodies.read_body` returns them
        params
            see `predict`

        Returns
        -------
        str
            A list of one object for each row of the request, in order.

        Raises
        ------
        RefusedRequest
            see `predict`
        """
        return as_json(*self._score(rows, params))

    def _score(self, rows: Any, params: Any) -> tuple[dict[str, Any], int]:
        request = check_request(rows, self.bundle)
        asked, size = check_parameters(params), count_rows(request)
        try:
            return score_columns(request, self.bundle, model_version=self.model_version, **asked), size
        except InputError as error:  # a parameter out of its range: the request has been checked
            raise refuse(str(error)) from error
        except Exception as error:  # the last resort: the server would send the stack trace to the client
            log.exception("A request of %d rows could not be scored.", size)
            raise refuse(f"The model cannot score this request ({type(error).__name__}).") from None


def _version(folder: Path) -> str | None:
    """The version, from the files that MLflow adds to the model's folder."""
    if (folder / REGISTERED_MODEL_META_FILE_NAME).is_file():
        return str(read_yaml(str(folder), REGISTERED_MODEL_META_FILE_NAME)["model_version"])
    model_id: str | None = Model.load(str(folder)).model_id
    return model_id
