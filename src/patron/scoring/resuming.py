"""Whether an interrupted scoring can be resumed: only if all that the scores depend on is unchanged."""

import warnings
from collections.abc import Mapping
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from patron.errors import PatronWarning, some
from patron.models.bundle.bundle import Bundle
from patron.storage.job_folder import Checkpoint, Workspace, fingerprint
from patron.tracking.registry import ModelVersion

__all__ = ["job_key", "resumable_checkpoint"]

KEYS = {"model": "the model", "settings": "the settings", "tables": "the tables", "patron": "patron"}


def job_key(
    settings: Mapping[str, Any],
    sources: Mapping[str, Any],
    model: str,
    version: ModelVersion | None,
    bundle: Bundle,
) -> dict[str, Any] | None:
    """All that the scores of a job depend on, as JSON holds it.

    Parameters
    ----------
    settings
        plain values
    sources
        table → where it is
    model
        URI, or the folder of an exported model
    version
        in the registry; None for a model that is not registered
    bundle
        the model

    Returns
    -------
    dict[str, Any] | None
        None if a table or the model is not a file of this machine, so that changes cannot be detected
    """
    tables = fingerprint(sources)
    if version is not None:
        trained: Any = [version.uri, version.run_id, version.created_at.isoformat()]
    else:
        trained = fingerprint({"model": str(Path(model) / "**")}) if Path(model).is_dir() else model
    if tables is None or trained is None:
        return None
    return {
        "model": trained,
        "settings": dict(settings),
        "tables": tables,
        "patron": [package_version("patron"), bundle.describe()["patron_version"]],
    }


def resumable_checkpoint(workspace: Workspace, key: Mapping[str, Any] | None) -> Checkpoint | None:
    """The checkpoint of an interrupted job with the same key.

    Parameters
    ----------
    workspace
        of the target
    key
        what `job_key` returned

    Returns
    -------
    Checkpoint | None
        None if the job must start from scratch.

    Warns
    -----
    PatronWarning
        there is nothing to resume, and why
    """
    checkpoint = workspace.checkpoint()
    if key is None:
        why = "the tables are not files, so changes in them cannot be detected"
    elif checkpoint is None:
        why = "no job for this target was interrupted"
    else:
        changed = [words for name, words in KEYS.items() if checkpoint.key.get(name) != key[name]]
        if not changed:
            return checkpoint
        why = f"{some(changed)} changed since the interrupted job"
    warnings.warn(f"Cannot resume: {why}. Starting from scratch.", PatronWarning, stacklevel=3)
    return None
