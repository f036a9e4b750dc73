"""Load the model of :mod:`patron.tracking.batch`: MLflow copies this file into the model and runs it."""

from mlflow.models import set_model

from patron.tracking.batch import BatchModel

set_model(BatchModel())
