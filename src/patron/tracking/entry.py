"""The script that MLflow runs to load the model of a saved folder.

MLflow copies this file there and looks for `set_model`.
"""

from mlflow.models import set_model

from patron.tracking.served import ServedModel

set_model(ServedModel())
