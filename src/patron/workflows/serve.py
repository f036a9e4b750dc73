"""Serve: a registered model → a server that answers requests until it is stopped."""

import os
import tempfile
import warnings
from pathlib import Path

from patron.errors import ModelNotFoundError, PatronWarning
from patron.settings import Settings
from patron.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, export_model, find_version
from patron.tracking.server import check_address, is_loopback, run_server
from patron.tracking.store import Store, open_store

__all__ = ["serve"]


def serve(settings: Settings) -> None:
    """Serve a model over HTTP by MLflow's scoring protocol; returns when the server has been stopped.

    A registered model is copied out of the store first: a server keeps the version that it was started with,
    whatever happens to the store and the aliases meanwhile.

    Parameters
    ----------
    settings
        `settings.serve`: the model, and where to listen

    Raises
    ------
    SettingsError
        the address is taken, or is not one of this machine
    MissingExtraError
        more than one worker, and uvloop is not installed
    ModelNotFoundError
        there is no such model
    ModelError
        the model cannot be read

    Warns
    -----
    PatronWarning
        others than this machine can reach the address; there is no champion, and the challenger
        is served

    Examples
    --------
    >>> serve(Settings(serve={"model": "models:/patron/12345", "port": 0}))
    Traceback (most recent call last):
        ...
    patron.errors.ModelNotFoundError: There is no model 'models:/patron/12345': ...
    """
    asked = settings.serve
    check_address(asked.host, asked.port, asked.workers)
    if not is_loopback(asked.host):
        warnings.warn(
            f"{asked.host} can be reached from other machines, and the server does not authenticate clients: "
            "expose it only behind a reverse proxy that does (README, Serving).",
            PatronWarning,
            stacklevel=2,
        )
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")  # a model of patron has no pickle
    with tempfile.TemporaryDirectory(prefix="patron-serve-") as copies:
        folder = Path(asked.model)
        if not os.path.isdir(asked.model):  # an exported model needs no store
            store = open_store()
            folder = export_model(store, _uri(store, asked.model), Path(copies) / "model")
        run_server(
            folder,
            host=asked.host,
            port=asked.port,
            workers=asked.workers,
            most_bytes=int(asked.max_megabytes * 1_000_000),
        )


def _uri(store: Store, model: str) -> str:
    """The URI of the model; of the challenger, with a warning, if there is no champion."""
    if model != f"models:/{MODEL_NAME}@{CHAMPION}":
        return model
    try:
        return find_version(store, model).uri
    except ModelNotFoundError as refused:
        try:
            challenger = find_version(store, f"models:/{MODEL_NAME}@{CHALLENGER}")
        except ModelNotFoundError:
            raise refused from None
    warnings.warn(
        f"There is no champion: the challenger {challenger.uri} is served instead. Make it champion with "
        f"'patron promote {challenger.version}'.",
        PatronWarning,
        stacklevel=3,
    )
    return challenger.uri
