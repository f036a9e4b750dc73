"""The sections of the commands that predict: check, features, train, score, serve, backtest, drift, demo."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from patron.settings.section import Place, Section

__all__ = [
    "BacktestSettings",
    "CheckSettings",
    "DemoSettings",
    "DriftSettings",
    "FeaturesSettings",
    "ScoreSettings",
    "ServeSettings",
    "TrainSettings",
]


class CheckSettings(Section):
    """What `patron check` does and writes.

    Attributes
    ----------
    rejected
        a file for the rejected rows, or None
    leaks
        whether rows of the future are planted, to see that no feature and no score moves
    """

    rejected: Path | None = None
    leaks: bool = False


class FeaturesSettings(Section):
    """What `patron features` writes. `out`: the file; Parquet or CSV by its ending."""

    out: Path | None = None


class TrainSettings(Section):
    """How `patron train` chooses its snapshots and its champion.

    Attributes
    ----------
    max_snapshots
        count, the most snapshot dates that one training uses
    step_days
        days from one training snapshot to the next; None for the horizon, less lets them overlap
    max_kinds
        count, the most kinds of engagement that get features of their own
    promote
        the new version becomes champion whatever the comparison says
    confidence
        probability in (0.5, 1) that the intervals of the comparison hold
    seeds
        count of sums of trees, each with a seed of its own, whose mean ranks the customers
    search
        count of other settings of the trees that compete, drawn by chance; 0 for none
    monotone
        whether the risk may only rise with P(no purchase) and fall with the purchases expected
    """

    max_snapshots: int = Field(default=12, ge=3)
    step_days: int | None = Field(default=None, ge=1)
    max_kinds: int = Field(default=12, ge=1)
    promote: bool = False
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    seeds: int = Field(default=1, ge=1, le=20)
    search: int = Field(default=0, ge=0, le=100)
    monotone: bool = False


class ScoreSettings(Section):
    """What `patron score` reads and writes.

    Attributes
    ----------
    model
        URI of the registered model
    out
        the file, Parquet or CSV by its ending; or the folder, where `partition_by` is given
    to
        a database and its table in place of `out`, such as ``postgresql://user@host/crm::scorecard``; it
        may hold a password, so it is never shown
    partition_by
        column of the scorecard with few values: a folder of Parquet files for each of them
    resume
        whether to go on where a job that was killed has stopped
    reasons
        whether each customer gets three reasons
    potentials
        file for the parts of the four potentials, Parquet or CSV by its ending; or None
    ledger
        folder or database in which the promises are written down for `patron settle`, see
        :func:`patron.storage.prediction_log.open_ledger`; or None
    batch_rows
        customers scored at a time, ≥ 1; the scores do not depend on it
    """

    model: str = "models:/patron@champion"
    out: Path | None = None
    to: SecretStr | None = None
    partition_by: str | None = None
    resume: bool = False
    reasons: bool = True
    potentials: Path | None = None
    ledger: Place | None = None
    batch_rows: int = Field(default=50_000, ge=1)


class ServeSettings(Section):
    """What `patron serve` serves, and where.

    Attributes
    ----------
    model
        URI of a registered model, or the folder of an exported one
    host, port
        where to listen; port 0 takes any that is free
    workers
        processes, ≥ 1
    most_megabytes
        size of the largest body that is read
    """

    model: str = "models:/patron@champion"
    host: str = "127.0.0.1"
    port: int = Field(default=5001, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    most_megabytes: float = Field(default=64, gt=0)


class BacktestSettings(Section):
    """What `patron backtest` does and writes.

    Attributes
    ----------
    cuts
        count, the most past days to predict from; fewer where the history is short
    step_days
        days from one cut to the next; None for the horizon
    inference
        how the value models are fitted at each cut
    out
        folder for table, JSON and figure, or None
    """

    cuts: int = Field(default=4, ge=1)
    step_days: int | None = Field(default=None, ge=1)
    inference: Literal["nuts", "laplace", "map"] = "laplace"
    out: Path | None = None


class DriftSettings(Section):
    """From where on a change of the customers is worth a word, or an alarm.

    Attributes
    ----------
    measure
        whether `patron score` compares its customers with those of the training
    psi_notice, psi_alarm
        population stability index ≥ 0
    missing
        share in (0, 1], by which more or fewer values are missing than in training
    z
        standard deviations of purchases since the training from those expected
    ratio
        share in (0, 1), by which they must differ besides
    """

    measure: bool = True
    psi_notice: float = Field(default=0.10, ge=0)
    psi_alarm: float = Field(default=0.25, ge=0)
    missing: float = Field(default=0.10, gt=0, le=1)
    z: float = Field(default=3.0, gt=0)
    ratio: float = Field(default=0.20, gt=0, lt=1)


class DemoSettings(Section):
    """Which sample data `patron demo` takes and where it writes."""

    data: Literal["complete-journey", "cdnow", "simulated"] = "complete-journey"
    out: Path = Path("out/demo")
