"""Record a training as one MLflow run: settings, data report, features, metrics, figures and models.

::

    patron/<run>          settings as parameters; tags
      data_report.json    rows read and rejected, also as metrics data.…
      features.json       the feature catalogue
      figures/ tables/    calibration, lift, tracking of expected against actual purchases
      model               the bundle as MLflow serves it
      ├─ churn            child runs: parameters, metrics and documents of one model each
      └─ value
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle.bundle import Bundle
from patron.tracking.package import log_bundle
from patron.tracking.store import Store, store_failures

__all__ = ["TrainingRun", "start_training_run"]

NOT_IN_NAMES = re.compile(r"[^\w.\- /]")


@contextmanager
def start_training_run(
    store: Store, name: str | None = None, tags: Mapping[str, str] | None = None
) -> Iterator["TrainingRun"]:
    """A run that is open inside the block, then finished; failed if the block raises.

    Parameters
    ----------
    store
        where to record it
    name
        of the run; MLflow generates one if None
    tags
        name → text

    Raises
    ------
    ModelError
        the store is locked, cannot be reached, or cannot be written to

    Examples
    --------
    >>> import tempfile
    >>> from patron.tracking.store import open_store
    >>> store = open_store(tempfile.mkdtemp())
    >>> with start_training_run(store, "first") as run:
    ...     run.log_settings({"horizon_days": 28, "train": {"max_snapshots": 12}})
    ...     run.log_metrics({"auc": 0.81})
    >>> kept = store.client().get_run(run.run_id)
    >>> kept.data.params, kept.data.metrics
    ({'horizon_days': '28', 'train.max_snapshots': '12'}, {'auc': 0.81})
    """
    with store_failures(store.uri):
        store.activate()
        started = mlflow.start_run(experiment_id=store.experiment_id, run_name=name, tags=dict(tags or {}))
    status = "FAILED"
    try:
        yield TrainingRun(started.info.run_id, store)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        with store_failures(store.uri):
            mlflow.end_run(status)


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """An open run of one training.

    Attributes
    ----------
    run_id
        MLflow's id of the run
    store
        where it is kept
    """

    run_id: str
    store: Store

    def log_settings(self, settings: Mapping[str, Any]) -> None:
        """Log settings as parameters, nested ones by dotted names; of a frame, only its size.

        Parameters
        ----------
        settings
            name → value, may be nested
        """
        with store_failures(self.store.uri):
            mlflow.log_params({_name(name): _as_text(value) for name, value in _leaves(settings)})

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log numbers by name.

        Parameters
        ----------
        metrics
            name → number
        """
        with store_failures(self.store.uri):
            mlflow.log_metrics({_name(name): float(value) for name, value in metrics.items()})

    def log_report(self, report: Mapping[str, Any]) -> None:
        """Log the data report as data_report.json, and each count in it as a metric data.<table>.<count>.

        Parameters
        ----------
        report
            table → counts
        """
        self.log_document(report, "data_report.json")
        counts = {name: value for name, value in _leaves(report, "data") if _is_number(value)}
        self.log_metrics(counts)

    def log_catalogue(self, catalogue: FeatureCatalogue) -> None:
        """Log the feature catalogue as features.json.

        Parameters
        ----------
        catalogue
            of the model
        """
        self.log_document(catalogue.to_dict(), "features.json")

    def log_document(self, document: Mapping[str, Any], file: str) -> None:
        """Log plain values as a JSON file.

        Parameters
        ----------
        document
            plain values
        file
            name of the file
        """
        text = json.dumps(document, indent=1, ensure_ascii=False, default=_as_text)
        with store_failures(self.store.uri):
            mlflow.log_text(text, file)

    def log_table(self, table: pd.DataFrame, name: str) -> None:
        """Log a small table of results as tables/<name>.csv.

        Parameters
        ----------
        table
            a small frame
        name
            of the file, without ending
        """
        with store_failures(self.store.uri):
            mlflow.log_text(table.to_csv(index=False, lineterminator="\n"), f"tables/{name}.csv")

    def log_figure(self, figure: Any, name: str) -> None:
        """Log a Matplotlib figure as figures/<name>.png.

        Parameters
        ----------
        figure
            of Matplotlib
        name
            of the file, without ending
        """
        with store_failures(self.store.uri):
            mlflow.log_figure(figure, f"figures/{name}.png")

    def log_part(
        self,
        name: str,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        documents: Mapping[str, str] | None = None,
    ) -> str:
        """Log one model of the bundle as a child run.

        Parameters
        ----------
        name
            of the child run, such as "churn" or "value"
        params
            settings, nested ones by dotted names
        metrics
            number by name
        documents
            file name → text

        Returns
        -------
        str
            The id of the child run.
        """
        with store_failures(self.store.uri):
            experiment = self.store.experiment_id
            with mlflow.start_run(experiment_id=experiment, run_name=name, nested=True) as child:
                part = TrainingRun(child.info.run_id, self.store)
                part.log_settings(params or {})
                part.log_metrics(metrics or {})
                for file, text in (documents or {}).items():
                    mlflow.log_text(text, file)
            return part.run_id

    def log_bundle(self, bundle: Bundle) -> str:
        """Log the bundle as a model that MLflow serves.

        Parameters
        ----------
        bundle
            the trained model

        Returns
        -------
        str
            Its URI, for :func:`patron.tracking.registry.register`.
        """
        with store_failures(self.store.uri):
            return log_bundle(bundle)


def _leaves(nested: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted name and value of every leaf of nested mappings."""
    for name, value in nested.items():
        path = f"{above}.{name}" if above else str(name)
        if isinstance(value, Mapping):
            yield from _leaves(value, path)
        else:
            yield path, value


def _as_text(value: Any) -> str:
    """A setting as text. Anything that may hold customer data appears only by its type and size."""
    if value is None or isinstance(value, str | int | float | Path):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_as_text(item) for item in value)
    shape = getattr(value, "shape", None)
    kind = type(value).__name__
    return (
        f"{kind} of {shape[0]} rows and {shape[1]} columns"
        if isinstance(shape, tuple) and len(shape) == 2
        else kind
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _name(text: str) -> str:
    """The name with the characters that MLflow allows."""
    return NOT_IN_NAMES.sub("_", text)[:250]
