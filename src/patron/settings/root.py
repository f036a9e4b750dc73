"""`Settings`: every section together, from defaults, a TOML file and flags."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from patron.errors import DateError, SettingsError
from patron.settings.campaign import AudienceSettings, MeasureSettings, TargetSettings
from patron.settings.economics import CostsSettings, KpisSettings, PlansSettings, WhatIfSettings
from patron.settings.follow_up import (
    DueSettings,
    LookalikesSettings,
    SettleSettings,
    StageHistorySettings,
    UpliftSettings,
    WinBackSettings,
)
from patron.settings.policy import (
    LearningSettings,
    NetworkSettings,
    OfferSettings,
    StagesSettings,
    TiersSettings,
)
from patron.settings.prediction import (
    BacktestSettings,
    CheckSettings,
    DemoSettings,
    DriftSettings,
    FeaturesSettings,
    ScoreSettings,
    ServeSettings,
    TrainSettings,
)
from patron.settings.section import Section, section, setting
from patron.settings.spark import SparkSettings
from patron.settings.tables import TableSettings, TablesSettings

__all__ = ["Settings", "read_settings"]


class Settings(Section):
    """Everything that can be set, checked once and then never changed.

    Raises
    ------
    SettingsError
        If a key is unknown, or a value is of the wrong kind or outside its range.
    DateError
        If as_of is not a date.

    Examples
    --------
    >>> Settings(as_of="2017-12-03", horizon_days=28).as_of
    datetime.date(2017, 12, 3)
    >>> Settings(horizn_days=28)
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: The settings have no key 'horizn_days'; did you mean 'horizon_days'?
    """

    as_of: date | None = setting(None, absent="the last day of the transactions", example=date(2024, 6, 30))
    """Last day known."""
    horizon_days: int = setting(90, unit="days", panel="Model", flag="horizon", ge=1, le=3650)
    """Days ahead for which churn and value are predicted."""
    value_horizon_days: int = setting(365, unit="days", panel="Model", flag="value-horizon", ge=1, le=36500)
    """Days ahead over which growth_potential sums the discounted margin."""
    margin: float = setting(1.0, unit="share", panel="Model", gt=0, le=1)
    """Margin as a share of each amount; at 1.0 money is revenue."""
    annual_discount_rate: float = setting(0.10, unit="share", panel="Model", metavar="RATE", ge=0, le=10)
    """Discount rate per year."""
    duplicates: Literal["keep", "reject"] = setting("keep", panel="Tables")
    """Keep rows that are equal in every column, or reject all but one of them."""
    active_within_days: int | None = setting(None, unit="days", absent="all customers", example=365, ge=1)
    """Include only customers who were active within this number of days up to as_of."""
    activity: Literal["purchases", "engagement", "subscriptions"] | None = setting(
        None, absent="contracts if there are any, else purchases", example="purchases", metavar="KIND"
    )
    """Which activity defines churn: purchases, engagement or subscriptions."""
    churn_window: Literal["fixed", "adaptive"] = setting("fixed", panel="Model")
    """Silence that counts as churn: fixed is the horizon, adaptive depends on the customer's usual gaps."""
    churn_segment: str | None = setting(
        None, absent="from all customers", example="channel", panel="Model", metavar="COLUMN"
    )
    """Column of the customers table: customers with few gaps borrow their adaptive window from customers with
    the same value."""
    time_zone: str | None = setting(None, example="Europe/Berlin", panel="Tables", metavar="ZONE")
    """IANA time zone of the business, e.g. Europe/Berlin; times that carry a zone are converted to it."""
    purchase_family: Literal["bgnbd", "mbgnbd"] = setting("bgnbd", panel="Model")
    """Purchase model: bgnbd, or mbgnbd, in which one-time buyers may already have left."""
    inference: Literal["nuts", "laplace", "map"] = setting("nuts", panel="Model")
    """How the value models are fitted; map is the fastest."""
    seed: int = setting(0, panel="Model", metavar="N", ge=0, lt=2**32)
    """Random seed."""
    engine: Literal["duckdb", "spark"] = setting("duckdb", panel="Spark")
    """Engine that builds features and scores; spark needs the extra 'spark'."""
    tables: TablesSettings = section(TablesSettings)
    check: CheckSettings = section(CheckSettings)
    features: FeaturesSettings = section(FeaturesSettings)
    train: TrainSettings = section(TrainSettings)
    score: ScoreSettings = section(ScoreSettings)
    serve: ServeSettings = section(ServeSettings)
    backtest: BacktestSettings = section(BacktestSettings)
    drift: DriftSettings = section(DriftSettings)
    demo: DemoSettings = section(DemoSettings)
    offer: OfferSettings = section(OfferSettings)
    stages: StagesSettings = section(StagesSettings)
    tiers: TiersSettings = section(TiersSettings)
    network: NetworkSettings = section(NetworkSettings)
    learning: LearningSettings = section(LearningSettings)
    kpis: KpisSettings = section(KpisSettings)
    costs: CostsSettings = section(CostsSettings)
    plans: PlansSettings = section(PlansSettings)
    what_if: WhatIfSettings = section(WhatIfSettings)
    spark: SparkSettings = section(SparkSettings)
    target: TargetSettings = section(TargetSettings)
    measure: MeasureSettings = section(MeasureSettings)
    audience: AudienceSettings = section(AudienceSettings)
    uplift: UpliftSettings = section(UpliftSettings)
    win_back: WinBackSettings = section(WinBackSettings)
    due: DueSettings = section(DueSettings)
    settle: SettleSettings = section(SettleSettings)
    stage_history: StageHistorySettings = section(StageHistorySettings)
    lookalikes: LookalikesSettings = section(LookalikesSettings)

    @field_validator("as_of", mode="before")
    @classmethod
    def _read_a_day(cls, given: Any) -> date | None:
        if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
            return given
        try:
            return date.fromisoformat(given)
        except (TypeError, ValueError):
            raise DateError(
                f"as_of is {str(given)!r}, which is not a date. Write it as YYYY-MM-DD, such as 2024-12-31."
            ) from None

    @model_validator(mode="wrap")
    @classmethod
    def _answer_in_a_sentence(cls, given: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validate(given)
        except ValidationError as refused:
            raise _sentence(refused.errors()[0]) from None

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values for a record of the run, without passwords.

        A frame is named by its type and size.

        Examples
        --------
        >>> Settings(horizon_days=28).to_dict()["horizon_days"]
        28
        """
        return self.model_dump(mode="json", exclude_none=True)


def read_settings(path: str | Path | None = None, /, **flags: Any) -> Settings:
    """Settings from a TOML file, overridden by `flags`; a default holds where neither gives a value.

    Parameters
    ----------
    path
        the TOML file, or None for the defaults alone
    flags
        settings by name, nested ones as dictionaries; None means "not given"

    Raises
    ------
    SettingsError
        the file cannot be read, or a key or value in it is refused

    Examples
    --------
    >>> read_settings(None, horizon_days=28, as_of=None).horizon_days
    28
    """
    return Settings.model_validate(_overlay(_read_toml(Path(path)) if path is not None else {}, flags))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(
            f"The settings file {str(path)!r} does not exist. Check the path after --settings."
        ) from None
    except (OSError, UnicodeDecodeError) as refused:
        raise SettingsError(
            f"The settings file {str(path)!r} cannot be read: {refused}. It must be UTF-8 text."
        ) from None
    except tomllib.TOMLDecodeError as refused:
        raise SettingsError(
            f"The settings file {str(path)!r} is not valid TOML: {refused}. Fix that line."
        ) from None


def _overlay(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping):
            beneath = merged.get(key, {})
            beneath = (
                beneath if isinstance(beneath, Mapping) else {"source": beneath}
            )  # tables.transactions = "a.csv"
            merged[key] = _overlay(dict(beneath), value)
        elif value is not None:
            merged[key] = value
    return merged


def _sentence(error: ErrorDetails) -> SettingsError:
    """One sentence for the first thing that pydantic refused."""
    where = [str(step) for step in error["loc"]]
    name, found, kind = ".".join(where), error["input"], error["type"]
    if kind == "extra_forbidden":
        return SettingsError(f"The settings have no key {name!r}{_guess(where)}")
    if kind == "missing":
        return SettingsError(f"The settings lack {name!r}: give it a value.")
    if kind.startswith(("greater_than", "less_than")):
        return SettingsError(f"{name} {error['msg'].removeprefix('Input ')}, got {found!r}.")
    return SettingsError(f"{name}: {error['msg'].removeprefix('Input ')}, got {found!r}.")


def _guess(where: list[str]) -> str:
    known = _keys_of_section(where[:-1])
    close = difflib.get_close_matches(where[-1], known, n=1, cutoff=0.7)
    return f"; did you mean {close[0]!r}?" if close else f"; it knows {', '.join(sorted(known))}."


def _keys_of_section(steps: Iterable[str]) -> list[str]:
    section: type[BaseModel] = Settings
    for step in steps:
        declared = section.model_fields[step].annotation
        section = TableSettings if section is TablesSettings else declared  # type: ignore[assignment]
    return list(section.model_fields)
