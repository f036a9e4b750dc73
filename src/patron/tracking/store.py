"""Find and open the MLflow store: `open_store`.

The store is one SQLite file with a folder of artifacts next to it::

    <root>/mlruns/mlflow.db      runs, metrics, registered versions and their aliases
    <root>/mlruns/artifacts/     figures, reports, models

`root` is the first of these that exists:

1. the folder in the environment variable PATRON_HOME,
2. the checkout of patron that this code runs from (recognised by its pyproject.toml),
3. the working folder, or the nearest above it, that holds a patron.toml,
4. ``~/.patron``.

The working folder alone never decides, so a job finds its models wherever it is started. MLFLOW_TRACKING_URI,
if set, names the store instead: another database, or a tracking server. MLflow stores absolute paths of
artifacts in the database, so its pages show no figures of a store that was moved. The models of such a store
are still found (files.py), and an exported model can be moved anywhere.
"""

import logging
import os
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow
import sqlalchemy.exc
from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException

from patron.errors import ModelError, without_password

__all__ = ["EXPERIMENT", "Store", "be_quiet", "open_store", "project_root", "store_failures"]

TRACKING_URI, REGISTRY_URI = "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"

EXPERIMENT = "patron"
"""The experiment under which trainings are recorded."""

SIGNS = (
    ("database is locked", "is locked by another job. Try again when that job has ended."),
    ("unable to open database", "cannot be opened. Look whether its folder is there and may be written to."),
    ("readonly database", "may not be written to. Change its rights, or name another with PATRON_HOME."),
    ("permission denied", "may not be written to. Change its rights, or name another with PATRON_HOME."),
    ("no space left", "has no space left on its disk. Make room and try again."),
    ("not a database", "is not a database, or is damaged. Restore it, or name another with PATRON_HOME."),
    ("malformed", "is damaged. Restore it, or name another with PATRON_HOME."),
    (
        "out-of-date database schema",
        "was made by another version of MLflow. Bring it up to date with 'mlflow db upgrade'.",
    ),
    (
        "max retries exceeded",
        "cannot be reached. Look whether its server runs and MLFLOW_TRACKING_URI names it.",
    ),
    (
        "connection refused",
        "cannot be reached. Look whether its server runs and MLFLOW_TRACKING_URI names it.",
    ),
    ("unsupported uri", "has a URI that MLflow does not know. Correct MLFLOW_TRACKING_URI."),
)
"""Text of an error of the store, in lower case, and the sentence that replaces it."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open MLflow store.

    Attributes
    ----------
    uri
        what MLflow calls the tracking URI
    experiment_id
        of the experiment that runs belong to
    """

    uri: str
    experiment_id: str

    @property
    def registry_uri(self) -> str:
        """Where registered models are: the same store, unless MLFLOW_REGISTRY_URI names another."""
        return os.environ.get(REGISTRY_URI, self.uri)

    @property
    def ui_command(self) -> str | None:
        """The command that shows the store in a browser; None if a server does already."""
        return None if self.uri.startswith("http") else f"mlflow ui --backend-store-uri '{self.uri}'"

    def client(self) -> mlflow.MlflowClient:
        """MLflow's client of this store."""
        return mlflow.MlflowClient(self.uri, self.registry_uri)

    def activate(self) -> None:
        """Make it the store of MLflow's own functions in this process."""
        named = {name: os.environ.get(name) for name in (TRACKING_URI, REGISTRY_URI)}
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.registry_uri)
        for name, uri in named.items():  # MLflow sets them, and then they would look like the user's choice
            if uri is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = uri


def project_root() -> Path:
    """The folder that holds mlruns/, by the rule at the top of this file.

    Examples
    --------
    >>> (project_root() / "mlruns").name
    'mlruns'
    """
    if named := os.environ.get("PATRON_HOME"):
        return Path(named).expanduser().absolute()
    checkout = Path(__file__).resolve().parents[3]
    if _is_checkout(checkout):
        return checkout
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "patron.toml").is_file():
            return folder
    return Path.home() / ".patron"


def open_store(root: str | Path | None = None, *, experiment: str = EXPERIMENT) -> Store:
    """The store, created if there is none; from then on MLflow uses it in this process.

    Parameters
    ----------
    root
        folder that holds mlruns/; found by the rule at the top of this file if None. MLFLOW_TRACKING_URI,
        if set, decides if `root` is None
    experiment
        name of the experiment; created if there is none

    Raises
    ------
    ModelError
        the store is locked, cannot be reached, or cannot be read

    Examples
    --------
    >>> import tempfile
    >>> store = open_store(tempfile.mkdtemp())
    >>> store.uri.endswith("mlruns/mlflow.db"), store.client().get_experiment(store.experiment_id).name
    (True, 'patron')
    """
    be_quiet()
    named = os.environ.get(TRACKING_URI) if root is None else None
    folder = Path(root).absolute() if root is not None else project_root()
    uri = named or f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}"
    with store_failures(uri):
        if not named:
            (folder / "mlruns").mkdir(parents=True, exist_ok=True)
        store = Store(uri, _experiment_id(uri, experiment, folder))
        store.activate()
        return store


@contextmanager
def store_failures(uri: str | None = None) -> Iterator[None]:
    """Turn an error of the store inside the block into a ModelError of one sentence.

    Parameters
    ----------
    uri
        of the store, for the sentence; the one that MLflow uses if None

    Examples
    --------
    >>> with store_failures("sqlite:///shop/mlruns/mlflow.db"):
    ...     raise MlflowException("(sqlite3.OperationalError) database is locked")
    Traceback (most recent call last):
        ...
    patron.errors.ModelError: The MLflow store sqlite:///shop/mlruns/mlflow.db is locked by another job. Try
    again when that job has ended.
    """
    try:
        yield
    except (MlflowException, sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise ModelError(
            f"The MLflow store {without_password(uri or mlflow.get_tracking_uri())} {_what_failed(error)}"
        ) from error


def be_quiet() -> None:
    """Let MLflow log errors only, unless MLFLOW_LOGGING_LEVEL is set.

    By default it logs each table that it creates, and repeats the error of a failing database with a stack
    trace.

    Examples
    --------
    >>> be_quiet()
    >>> logging.getLogger("alembic").level == logging.ERROR or "MLFLOW_LOGGING_LEVEL" in os.environ
    True
    """
    if "MLFLOW_LOGGING_LEVEL" not in os.environ:
        for chatty in ("mlflow", "alembic"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _experiment_id(uri: str, name: str, root: Path) -> str:
    client = mlflow.MlflowClient(uri)
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=_artifact_location(uri, root)))
    if found.lifecycle_stage == LifecycleStage.DELETED:
        raise ModelError(
            f"The MLflow experiment {name!r} was deleted. Bring it back with "
            f"'mlflow experiments restore --experiment-id {found.experiment_id}'."
        )
    return str(found.experiment_id)


def _artifact_location(uri: str, root: Path) -> str | None:
    """Where artifacts are stored. MLflow would use the working folder; a server decides for itself."""
    if uri.startswith("http"):
        return None
    database = uri.removeprefix("sqlite:///")
    beside = Path(database).absolute().parent if database != uri else root / "mlruns"
    return str(beside / "artifacts")


def _is_checkout(folder: Path) -> bool:
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(project.get("project", {}).get("name") == "patron")


def _what_failed(error: Exception) -> str:
    told = str(error)
    for sign, sentence in SIGNS:
        if sign in told.lower():
            return sentence
    first_line = told.strip().splitlines()[0] if told.strip() else type(error).__name__
    return f"failed: {without_password(first_line).rstrip('.')}."
