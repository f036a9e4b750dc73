"""Load the served model: MLflow copies this file into the model and runs it."""

from mlflow.models import set_model

from patron.tracking.served import ServedModel

set_model(ServedModel())
