"""MLflow: runs of trainings, the registered model with its versions, and the model that MLflow serves.

============  ============================================================================================
store.py      where the store is, and how its failures are told
runs.py       one parent run per training: settings, data report, metrics, figures, the models
registry.py   versions of the registered model, their aliases champion and challenger, loading by URI
files.py      the files of a model, wherever they are
served.py     the model that MLflow loads and serves: requests in, scorecard rows out
guard.py      which requests it answers, and the sentence for each other one
signature.py  the columns and parameters of a request, and of the answer
package.py    a bundle → a folder that MLflow loads, with the code that it needs
entry.py      what MLflow runs to get the model of such a folder
batch.py      the same model for parts of a population, as Spark's workers run it; batch_entry.py as entry.py
bodies.py     the body of a request → rows and parameters
front.py      MLflow's scoring server with a guarded front, as an ASGI application
server.py     that application as a process
============  ============================================================================================

MLflow is imported in this room and nowhere else. It takes seconds, so this file imports nothing; it only sees
to it that MLflow, once imported, reports to nobody, keeps quiet, and gives up on a dead server in seconds.
What the environment says already is left as it is.
"""

import os

MANNERS = {
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
"""Environment variables that MLflow reads when it is imported, and what they are set to where they are not
set."""

for _name, _value in MANNERS.items():
    os.environ.setdefault(_name, _value)
