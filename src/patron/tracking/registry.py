"""The registered model `patron`: its versions, and which of them is champion.

Each training adds a version. The alias `champion` marks the one that scores, `challenger` the latest one that
did not become champion. The metrics of a version and its data window are tags, so that the list of versions
shows them without opening a run.

A model is named by a URI: ``models:/patron@champion``, ``models:/patron/3``, ``runs:/<run>/model`` or a
folder.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models.model import MLMODEL_FILE_NAME

from patron.errors import ModelNotFoundError, SettingsError, some
from patron.models.bundle.bundle import Bundle
from patron.tracking.files import LOGGED, copy_into, fetch_files, is_absent
from patron.tracking.package import BUNDLE_ARTIFACT
from patron.tracking.store import Store, store_failures

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "MODEL_NAME",
    "ModelVersion",
    "export_model",
    "find_version",
    "list_versions",
    "load_bundle",
    "promote",
    "register",
    "rollback",
]

MODEL_NAME = "patron"
CHAMPION, CHALLENGER = "champion", "challenger"
BEFORE = "champion_before"
METRIC = "metric."
SCHEME = re.compile(r"[a-z][a-z0-9+-]+:/")
LARGEST_VERSION = 2**31 - 1  # what the column of a database holds
REGISTERED = re.compile(r"models:/(?P<name>[^/@']+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One version of a registered model.

    Attributes
    ----------
    name, version
        the registered model, and which of its versions, from 1
    run_id
        the run that trained it; None if it was registered by hand
    aliases
        names that point to it, sorted
    metrics
        name → number, recorded at registration
    first_day, as_of
        first and last day of its training data; None if unknown
    created_at
        when it was registered, UTC
    tags
        everything recorded with it, as text
    """

    name: str
    version: int
    run_id: str | None
    aliases: tuple[str, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    first_day: date | None = None
    as_of: date | None = None
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """The URI of this version."""
        return f"models:/{self.name}/{self.version}"


type Rule = Callable[[ModelVersion | None, ModelVersion], bool]
"""(champion or None, newcomer) → whether the newcomer becomes champion."""


def register(
    store: Store,
    model_uri: str,
    bundle: Bundle,
    metrics: Mapping[str, float],
    *,
    run_id: str | None = None,
    name: str = MODEL_NAME,
    tags: Mapping[str, str] | None = None,
    becomes_champion: Rule = lambda champion, newcomer: champion is None,
) -> ModelVersion:
    """A new version of the registered model; champion if the rule decides so, by default only the first one.

    Parameters
    ----------
    store
        where to
    model_uri
        what :meth:`patron.tracking.runs.TrainingRun.log_bundle` returned
    bundle
        the same bundle; its settings and data window become tags
    metrics
        number by name; they become tags that the rule and `list_versions` read
    run_id
        the run that trained it
    name
        of the registered model, made if there is none
    tags
        name → text, recorded with the version in addition to the description of the bundle
    becomes_champion
        called with the champion, or None if there is none, and the newcomer; if it returns False, the
        newcomer becomes challenger

    Returns
    -------
    ModelVersion
        The version, with its alias.

    Raises
    ------
    ModelError
        the store is locked, cannot be reached, or does not know the model

    Examples
    --------
    >>> from patron.features.catalogue import FeatureCatalogue
    >>> from patron.models.value.purchases.model import BetaGeoModel
    >>> from patron.models.value.gamma_gamma import GammaGammaModel
    >>> from patron.models.value.model import CustomerValueModel
    >>> from patron.tracking.runs import start_training_run
    >>> from patron.tracking.store import open_store
    >>> value = CustomerValueModel(
    ...     BetaGeoModel.from_params(r=0.24, alpha=31.0, a=0.79, b=2.43),
    ...     GammaGammaModel.from_params(p=6.25, q=3.74, v=15.4),
    ... )
    >>> bundle = Bundle(churn=None, value=value, catalogue=FeatureCatalogue(()), horizon_days=90,
    ...                 value_horizon_days=365, first_day=date(1997, 1, 1), as_of=date(1997, 9, 30))
    >>> store = open_store(tempfile.mkdtemp())
    >>> with start_training_run(store) as run:
    ...     uri = run.log_bundle(bundle)
    >>> [register(store, uri, bundle, {"brier": 0.2}, run_id=run.run_id).aliases for _ in range(2)]
    [('champion',), ('challenger',)]
    >>> promote(store, 2).tags["champion_before"]
    '1'
    >>> [(version.version, version.aliases, version.metrics) for version in list_versions(store)]
    [(2, ('champion',), {'brier': 0.2}), (1, (), {'brier': 0.2})]
    >>> rollback(store).version
    1
    >>> load_bundle(store, "models:/patron@champion")[1].as_of
    datetime.date(1997, 9, 30)
    """
    client = store.client()
    noted = {key: str(value) for key, value in bundle.describe().items()} | dict(tags or {})
    noted |= {f"{METRIC}{key}": repr(float(value)) for key, value in metrics.items()}
    with store_failures(store.uri):
        champion = _by_alias(client, name, CHAMPION)
        if _if_there(lambda: client.get_registered_model(name)) is None:
            client.create_registered_model(name)
        logged = LOGGED.fullmatch(model_uri)
        created = client.create_model_version(
            name, source=model_uri, run_id=run_id, tags=noted, model_id=logged["id"] if logged else None
        )
    newcomer = _read(created, aliases={})
    if becomes_champion(champion, newcomer):
        return promote(store, newcomer.version, name=name)
    with store_failures(store.uri):
        client.set_registered_model_alias(name, CHALLENGER, str(newcomer.version))
    return find_version(store, newcomer.uri)


def promote(
    store: Store, version: int, *, name: str = MODEL_NAME, tags: Mapping[str, str] | None = None
) -> ModelVersion:
    """Make a version champion, and record `tags` with it; its tag `champion_before` is the previous champion.

    Parameters
    ----------
    store
        where the model is
    version
        number
    name
        of the registered model
    tags
        name → text, recorded with the version

    Returns
    -------
    ModelVersion
        The version, with its alias.

    Raises
    ------
    ModelNotFoundError
        there is no such version
    ModelError
        the store is locked or cannot be reached
    """
    client = store.client()
    find_version(store, f"models:/{name}/{version}")
    with store_failures(store.uri):
        before = _by_alias(client, name, CHAMPION)
        challenger = _by_alias(client, name, CHALLENGER)
        if before is not None and before.version != version:
            client.set_model_version_tag(name, str(version), BEFORE, str(before.version))
        for key, text in (tags or {}).items():
            client.set_model_version_tag(name, str(version), key, text)
        client.set_registered_model_alias(name, CHAMPION, str(version))
        if challenger is not None and challenger.version == version:
            client.delete_registered_model_alias(name, CHALLENGER)
    return find_version(store, f"models:/{name}/{version}")


def rollback(store: Store, *, name: str = MODEL_NAME) -> ModelVersion:
    """The previous champion, made champion again; a second call goes back one further.

    The replaced version keeps no alias, and its tag `rolled_back_to` names the version that replaced it.

    Parameters
    ----------
    store, name
        as in :func:`promote`

    Raises
    ------
    ModelNotFoundError
        there is no champion, none was champion before it, or that one has been deleted
    """
    client = store.client()
    champion = find_version(store, f"models:/{name}@{CHAMPION}")
    number = champion.tags.get(BEFORE)
    if number is None:
        raise ModelNotFoundError(
            f"No version was champion before {champion.uri}. Name the one to take its place: patron promote."
        )
    before = find_version(store, f"models:/{name}/{number}")
    with store_failures(store.uri):
        client.set_model_version_tag(name, str(champion.version), "rolled_back_to", number)
        client.set_registered_model_alias(name, CHAMPION, number)
        if CHALLENGER in before.aliases:
            client.delete_registered_model_alias(name, CHALLENGER)
    return find_version(store, before.uri)


def list_versions(store: Store, *, name: str = MODEL_NAME) -> list[ModelVersion]:
    """All versions of the registered model, newest first; none if there is no such model.

    Parameters
    ----------
    store, name
        as in :func:`promote`
    """
    client = store.client()
    with store_failures(store.uri):
        found: list[Any] = []
        page = None
        while page is None or page.token:
            page = client.search_model_versions(f"name = '{name}'", page_token=page.token if page else None)
            found += page
        aliases = _aliases(client, name)
    return sorted((_read(version, aliases) for version in found), key=lambda version: -version.version)


def find_version(store: Store, uri: str) -> ModelVersion:
    """The version of the registered model with this URI.

    Parameters
    ----------
    store
        where the model is
    uri
        ``models:/<name>@<alias>`` or ``models:/<name>/<version>``

    Raises
    ------
    ModelNotFoundError
        the URI has another form, or there is no such model, version or alias
    """
    named = REGISTERED.fullmatch(uri)
    if named is None:
        raise ModelNotFoundError(
            f"{uri!r} is not the URI of a registered version. Write models:/{MODEL_NAME}@{CHAMPION} or "
            f"models:/{MODEL_NAME}/1."
        )
    client, name = store.client(), named["name"]
    with store_failures(store.uri):
        if named["alias"]:
            found = _by_alias(client, name, named["alias"])
        else:
            found = _by_number(client, name, int(named["version"]))
    if found is None:
        raise ModelNotFoundError(f"There is no model {uri!r}: {_what_there_is(store, name)}.")
    return found


def load_bundle(store: Store, uri: str) -> tuple[Bundle, ModelVersion | None]:
    """The bundle of a model, and its version.

    Parameters
    ----------
    store
        where the model is
    uri
        of a registered model, of a run's model, or the folder of an exported model

    Returns
    -------
    tuple[Bundle, ModelVersion | None]
        The bundle, and its version; None for a model that is not registered.

    Raises
    ------
    ModelNotFoundError
        there is no such model
    ModelError
        the store is locked or cannot be reached; the model's files are missing or were cut short
    """
    with _fetched(store, uri, Path("artifacts", BUNDLE_ARTIFACT)) as (folder, version):
        return Bundle.load(folder), version


def export_model(store: Store, uri: str, folder: str | Path) -> Path:
    """Copy a model into a new or empty folder, from which it can be moved, loaded and served anywhere.

    Parameters
    ----------
    store, uri
        as in :func:`load_bundle`
    folder
        new or empty

    Raises
    ------
    ModelNotFoundError
        there is no such model
    SettingsError
        the folder exists and is not empty
    ModelError
        the folder cannot be written to, or the store is locked or cannot be reached
    """
    folder = Path(folder)
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise SettingsError(
            f"Cannot export to {str(folder)!r}: it exists and is not empty. Name a new folder."
        )
    with _fetched(store, uri, Path()) as (files, _):
        if not (files / MLMODEL_FILE_NAME).is_file():
            raise ModelNotFoundError(
                f"There is no model {uri!r}: the folder has no file {MLMODEL_FILE_NAME}."
            )
        copy_into(folder, files)
    return folder


@contextmanager
def _fetched(store: Store, uri: str, part: Path) -> Iterator[tuple[Path, ModelVersion | None]]:
    """A folder with (a part of) the files of a model, its own or a copy, and its registered version."""
    registered = uri.startswith("models:") and LOGGED.fullmatch(uri) is None
    version = find_version(store, uri) if registered else None
    with tempfile.TemporaryDirectory() as copies:
        yield _fetch(store, uri if version is None else version.uri, part, copies), version


def _fetch(store: Store, uri: str, part: Path, copies: str) -> Path:
    if not SCHEME.match(uri):
        if not os.path.isdir(uri):  # also if it is not a path
            raise ModelNotFoundError(
                f"There is no model {uri!r}: it is neither a folder nor a URI such as "
                f"models:/{MODEL_NAME}@{CHAMPION}."
            )
        return Path(uri) / part
    files = fetch_files(store, uri, part, copies)
    if files is None:
        raise ModelNotFoundError(
            f"There are no files of the model {uri!r}: {_what_there_is(store, MODEL_NAME)}."
        )
    return files


def _what_there_is(store: Store, name: str) -> str:
    versions = list_versions(store, name=name)
    if not versions:
        return f"no model {name!r} is registered yet. Train one first"
    aliases = sorted(alias for version in versions for alias in version.aliases)
    numbers = some(sorted(version.version for version in versions))
    return f"{name!r} has the versions {numbers} and the aliases {', '.join(aliases) or 'none'}"


def _by_alias(client: mlflow.MlflowClient, name: str, alias: str) -> ModelVersion | None:
    number = _aliases(client, name).get(alias)
    return None if number is None else _by_number(client, name, number)


def _by_number(client: mlflow.MlflowClient, name: str, version: int) -> ModelVersion | None:
    if version > LARGEST_VERSION:
        return None
    found = _if_there(lambda: client.get_model_version(name, str(version)))
    return None if found is None else _read(found, _aliases(client, name))


def _aliases(client: mlflow.MlflowClient, name: str) -> dict[str, int]:
    """Alias → version."""
    model = _if_there(lambda: client.get_registered_model(name))
    return {} if model is None else {alias: int(version) for alias, version in model.aliases.items()}


def _read(found: Any, aliases: Mapping[str, int]) -> ModelVersion:
    tags, version = dict(found.tags), int(found.version)
    metrics = {
        key.removeprefix(METRIC): float(value) for key, value in tags.items() if key.startswith(METRIC)
    }
    return ModelVersion(
        name=found.name,
        version=version,
        run_id=found.run_id or None,
        aliases=tuple(sorted(alias for alias, number in aliases.items() if number == version)),
        metrics=metrics,
        first_day=date.fromisoformat(tags["first_day"]) if "first_day" in tags else None,
        as_of=date.fromisoformat(tags["as_of"]) if "as_of" in tags else None,
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        tags=tags,
    )


def _if_there[T](ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except MlflowException as error:
        if is_absent(error):
            return None
        raise
