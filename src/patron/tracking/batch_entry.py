"""The script that MLflow runs to load the model of a folder that :mod:`patron.tracking.batch` has written.

MLflow copies this file there and looks for `set_model`.
"""

from mlflow.models import set_model

from patron.tracking.batch import BatchModel

set_model(BatchModel())
