"""The files of a model: fetched from wherever MLflow keeps them, and copied into a folder.

MLflow stores absolute paths in its database. A project that was moved or renamed still has the files next to
that database, where :mod:`patron.tracking.store` puts them: so they are looked for there if the stored path
is gone.
"""

import os
import re
import shutil
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri
from mlflow.utils.yaml_utils import write_yaml

from patron.errors import ModelError
from patron.tracking.store import Store, store_failures

__all__ = ["LOGGED", "copy_into", "fetch_files", "is_absent"]

LOGGED = re.compile(r"models:/(?P<id>m-[0-9a-f]+)")
"""A model logged by a run; it need not be registered."""

VERSION = re.compile(r"models:/(?P<name>[^/@]+)/(?P<number>\d+)")
SQLITE, ARTIFACTS = "sqlite:///", "artifacts"


def fetch_files(store: Store, uri: str, part: Path, copies: str | Path) -> Path | None:
    """A folder with (a part of) the files of a model of the store.

    Parameters
    ----------
    store
        where the model is
    uri
        of a version, as ``models:/patron/3``, of a logged model, or of a run's model
    part
        folder below that of the model; ``Path()`` for all of it
    copies
        folder to copy the files to

    Returns
    -------
    Path | None
        The folder; None if there are no such files.

    Raises
    ------
    ModelError
        the store is locked or cannot be reached, or the files cannot be fetched from where they are

    Examples
    --------
    See :func:`patron.tracking.registry.register`.
    """
    store.activate()
    try:
        kept = _where_kept(store, uri)
        moved = None if kept is None else _beside_the_database(store, kept)
        if moved is not None:
            return _copy_of_moved(moved / part, uri, Path(copies, "model"))
        whole = kept if kept is not None and LOGGED.fullmatch(uri) else uri
        wanted = "/".join([whole.rstrip("/"), *part.parts])
        fetched = Path(mlflow.artifacts.download_artifacts(wanted, dst_path=str(copies)))
        return fetched if _holds_files(fetched) else None
    except (MlflowException, OSError) as error:
        if isinstance(error, MlflowException) and not is_absent(error):
            with store_failures(store.uri):
                raise
        return None
    except ValueError:  # what MLflow's URI parsers raise for what is not a URI
        return None
    except ImportError as error:
        raise ModelError(
            f"The model {uri!r} cannot be fetched: {error}. Install it and try again."
        ) from error


def copy_into(folder: Path, files: Path) -> None:
    """Copy the files of a model into a new or empty folder; if one fails, all copies are removed.

    Parameters
    ----------
    folder
        new or empty
    files
        folder of the model

    Raises
    ------
    ModelError
        the folder cannot be written to

    Examples
    --------
    See :func:`patron.tracking.registry.export_model`.
    """
    try:
        shutil.copytree(files, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        why = error.strerror or str(error.args[0][0][-1])  # of many files, the first that could not be copied
        raise ModelError(f"Cannot export to {str(folder)!r}: {why}. Name another folder.") from error


def is_absent(error: MlflowException) -> bool:
    """Whether MLflow reports that something does not exist, rather than a failure.

    Parameters
    ----------
    error
        of MLflow

    Examples
    --------
    >>> is_absent(MlflowException("No.", error_code=mlflow.protos.databricks_pb2.RESOURCE_DOES_NOT_EXIST))
    True
    """
    return str(error.error_code) in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND")


def _where_kept(store: Store, uri: str) -> str | None:
    """The place that MLflow has stored; None for what it finds by itself."""
    if logged := LOGGED.fullmatch(uri):
        return str(store.client().get_logged_model(logged["id"]).artifact_location)
    if version := VERSION.fullmatch(uri):
        return str(store.client().get_model_version_download_uri(version["name"], version["number"]))
    return None


def _beside_the_database(store: Store, kept: str) -> Path | None:
    """The same folder next to the database; None if the stored one exists, or neither does."""
    if not store.uri.startswith(SQLITE) or not is_local_uri(kept):
        return None
    noted = Path(local_file_uri_to_path(kept))
    if noted.is_dir():
        return None
    beside = Path(store.uri.removeprefix(SQLITE)).absolute().parent
    inside = [place for place, name in enumerate(noted.parts[:-1]) if name == ARTIFACTS]
    folders = (beside.joinpath(*noted.parts[place:]) for place in inside)
    return next((folder for folder in folders if folder.is_dir()), None)


def _copy_of_moved(files: Path, uri: str, copy: Path) -> Path | None:
    """The copy, with the version file that MLflow adds when it fetches a model by itself."""
    if not _holds_files(files):
        return None
    shutil.copytree(files, copy)
    if version := VERSION.fullmatch(uri):
        noted = {"model_name": version["name"], "model_version": version["number"]}
        write_yaml(str(copy), REGISTERED_MODEL_META_FILE_NAME, noted, ensure_yaml_extension=False)
    return copy


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and bool(os.listdir(folder))
