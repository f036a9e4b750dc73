"""Tracking: runs, registered models and the served model, all in MLflow.

::

    batch.py        the model as Spark's workers run it on parts of a population
    batch_entry.py  what MLflow runs to load the model of batch.py
    bodies.py       the body of a request → rows and parameters
    entry.py        what MLflow runs to load the served model
    files.py        the files of a model, wherever MLflow keeps them
    front.py        MLflow's scoring server with a guarded front, as an ASGI application
    guard.py        which requests are valid, and the sentence that answers an invalid one
    package.py      a bundle → a folder that MLflow loads, with code and signature
    registry.py     versions of the registered model, aliases, loading by URI
    runs.py         one parent run per training: settings, reports, metrics, figures, models
    served.py       the model that MLflow loads and serves: requests → scorecard rows
    server.py       the server process, with one worker or several
    store.py        where the MLflow store is, and its errors as sentences

MLflow is imported here and nowhere else. It takes seconds, so this file imports nothing; it only makes sure
that MLflow, once imported, sends no telemetry, logs little, and gives up on an unreachable server within
seconds. Environment variables that are already set are left as they are.
"""

import os

MLFLOW_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",  # else the working folder's pyproject.toml would travel with the model
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",  # with three retries, some seven seconds of waiting in all
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""Environment variables that MLflow reads on import, and their values where they are not set."""

for _name, _value in MLFLOW_ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
