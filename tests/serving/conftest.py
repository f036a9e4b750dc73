"""The small model as MLflow saves it, and as its scoring server answers for it."""

import json
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import invocations

from patron.tracking.package import save_bundle_as_model


@pytest.fixture(scope="session")
def folder(bundle, tmp_path_factory) -> Path:
    """The folder of the small model."""
    return save_bundle_as_model(bundle, tmp_path_factory.mktemp("served") / "model")


@pytest.fixture(scope="session")
def model(folder):
    """The small model, loaded as a pyfunc."""
    return mlflow.pyfunc.load_model(str(folder))


@pytest.fixture(scope="session")
def ask(model):
    """(body, content type) → status and body of the answer, as MLflow's scoring server gives them."""

    def ask(body, content_type="application/json"):
        text = body if isinstance(body, str) else json.dumps(body)
        try:
            answer = invocations(text.encode(), content_type, model, model.metadata.get_input_schema())
        except MlflowException as refused:
            said = json.loads(refused.serialize_as_json())
            return SimpleNamespace(status=refused.get_http_status_code(), message=said["message"], said=said)
        return SimpleNamespace(status=answer.status, text=answer.response, rows=_rows(answer.response))

    return ask


def _rows(text):
    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)["predictions"]
