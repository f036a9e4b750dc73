"""The sections of the commands that predict: check, features, train, score, serve, backtest, drift, demo."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from patron.settings.section import Place, Section, setting

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
    """What `patron check` does and writes."""

    rejected: Path | None = setting(None, example="rejected.csv", panel="Output")
    """File for the rejected rows; its ending selects Parquet or CSV."""
    leaks: bool = setting(False, panel="Model")
    """Plant future rows and test that no feature or score changes."""


class FeaturesSettings(Section):
    """What `patron features` writes."""

    out: Path | None = setting(None, example="features.parquet", panel="Output")
    """File to write; its ending selects Parquet or CSV."""


class TrainSettings(Section):
    """How `patron train` chooses its snapshots, its trees and the champion."""

    max_snapshots: int = setting(12, unit="snapshots", panel="Model", metavar="N", ge=3)
    """Maximum number of past days to learn from."""
    step_days: int | None = setting(
        None, unit="days", absent="the horizon", example=30, panel="Model", flag="step", ge=1
    )
    """Days from one training snapshot to the next; fewer than the horizon makes them overlap."""
    max_kinds: int = setting(12, unit="kinds", panel="Model", metavar="N", ge=1)
    """Maximum number of kinds of engagement that get features of their own."""
    promote: bool = setting(False, panel="Model")
    """Make the new version champion whatever the comparison shows."""
    confidence: float = setting(0.95, unit="share", panel="Model", gt=0.5, lt=1)
    """Confidence level of the intervals of the comparison."""
    seeds: int = setting(1, unit="ensembles", panel="Model", metavar="N", ge=1, le=20)
    """Number of boosted ensembles, each with its own seed, whose mean ranks the customers."""
    search: int = setting(0, unit="trials", panel="Model", metavar="N", ge=0, le=100)
    """Number of random hyperparameter settings of the trees to try."""
    monotone: bool = setting(False, panel="Model")
    """Constrain the risk to rise with P(no purchase) and to fall with the expected purchases."""


class ScoreSettings(Section):
    """What `patron score` reads and writes."""

    model: str = setting("models:/patron@champion", panel="Model", metavar="URI")
    """Registered model to score with."""
    out: Path | None = setting(None, example="scores.parquet", panel="Output")
    """File to write, Parquet or CSV by its ending; a folder with --partition-by."""
    to: SecretStr | None = setting(
        None, example="duckdb:///crm.db::scorecard", panel="Output", metavar="URL::TABLE"
    )
    """Database table to write instead of a file; rows with the same key are replaced."""
    partition_by: str | None = setting(None, example="as_of", panel="Output", metavar="COLUMN")
    """Column with few values; one folder of Parquet files is written per value."""
    resume: bool = setting(False, panel="Output")
    """Resume an interrupted job from its last checkpoint."""
    reasons: bool = setting(True, panel="Output")
    """Three reasons are given for each customer unless --no-reasons is set."""
    potentials: Path | None = setting(None, example="parts.parquet", panel="Output")
    """File for the parts of the four potentials, with growth headroom; Parquet or CSV by its ending."""
    prediction_log: Place | None = setting(None, example="predictions", panel="Output", metavar="DIR|URL")
    """Folder or database to which the predictions are appended, so that patron settle can evaluate them."""
    batch_rows: int = setting(50_000, unit="customers", panel="Output", metavar="N", ge=1)
    """Number of customers scored at a time; the scores do not depend on it."""


class ServeSettings(Section):
    """What `patron serve` serves, and where."""

    model: str = setting("models:/patron@champion", metavar="URI")
    """Registered model, or the folder of an exported one."""
    host: str = setting("127.0.0.1", metavar="ADDRESS")
    """Address to listen on; the default accepts only this machine."""
    port: int = setting(5001, metavar="PORT", ge=0, le=65535)
    """TCP port to listen on; 0 takes any free port."""
    workers: int = setting(1, metavar="N", ge=1, le=64)
    """Number of processes; more than one needs the extra 'serve'."""
    max_megabytes: float = setting(64, unit="megabytes", metavar="MB", gt=0)
    """Maximum size of a request body."""


class BacktestSettings(Section):
    """What `patron backtest` does and writes."""

    cuts: int = setting(4, unit="days", panel="Model", metavar="N", ge=1)
    """Maximum number of past days to predict from; fewer if the history is short."""
    step_days: int | None = setting(
        None, unit="days", absent="the horizon", example=30, panel="Model", flag="step", ge=1
    )
    """Days from one cut to the next."""
    inference: Literal["nuts", "laplace", "map"] = setting("laplace", panel="Model")
    """How the value models are fitted at each cut."""
    out: Path | None = setting(None, example="backtest", panel="Output", metavar="DIR")
    """Folder for the table, the JSON file and the figure."""


class DriftSettings(Section):
    """Thresholds above which drift triggers a notice or an alarm when `patron score` runs."""

    measure: bool = setting(True)
    """Compare the scored customers with those of the training."""
    psi_notice: float = setting(0.10, unit="PSI", ge=0)
    """Population stability index of a feature that triggers a notice."""
    psi_alarm: float = setting(0.25, unit="PSI", ge=0)
    """Population stability index of a feature that triggers an alarm."""
    missing_change: float = setting(0.10, unit="share", gt=0, le=1)
    """Change in the share of missing values that triggers a notice."""
    purchases_z: float = setting(3.0, unit="standard deviations", metavar="Z", gt=0)
    """Deviation of the purchases since the training from their expected number that triggers an alarm."""
    purchases_ratio: float = setting(0.20, unit="share", gt=0, lt=1)
    """Relative deviation of the purchases that an alarm needs as well."""


class DemoSettings(Section):
    """Which sample data `patron demo` uses, and where it writes."""

    data: Literal["complete-journey", "cdnow", "simulated"] = setting("complete-journey")
    """Sample data set to use."""
    out: Path = setting(Path("out/demo"), panel="Output", metavar="DIR")
    """Folder for the scores."""
