"""`Settings`: every section together, from defaults, a TOML file and flags."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    Field,
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
from patron.settings.section import Section
from patron.settings.spark import SparkSettings
from patron.settings.tables import TableSettings, TablesSettings

__all__ = ["Settings", "read_settings"]


class Settings(Section):
    """Everything that can be set, checked once and then never changed.

    Attributes
    ----------
    tables
        where the tables are
    as_of
        the last day known; None means the last day of the transactions
    horizon_days
        days ahead for which churn and value are predicted, ≥ 1
    value_horizon_days
        days ahead over which growth_potential counts, ≥ 1
    margin
        share of an amount that is kept, in (0, 1]; 1.0 means that money is revenue
    annual_discount_rate
        per year, ≥ 0, for instance 0.10
    duplicates
        what happens to rows equal in every column: "keep" them or "reject" all but one
    active_within_days
        only customers active in these last days are scored; None scores everyone
    activity
        what a customer who churns no longer has: "purchases", "engagement" (an event of any kind) or
        "subscriptions" (a contract that runs); None takes contracts where that table is given, else
        purchases, else engagement
    churn_window
        how long a silence is churn: "fixed" is the horizon for everyone, "adaptive" a window of
        each customer's own within the horizon, by the customer's usual gaps
    churn_segment
        column of the customers table, such as "channel": where the customer's own gaps are few,
        those of customers who are alike in it count for the adaptive window; None takes those of all
    time_zone
        zone of the business, for instance "Europe/Berlin"
    purchase_family
        the law of buying: "bgnbd", or "mbgnbd", in which one-time buyers may be gone already
    inference
        how the value models are fitted: "nuts" (sampled), "laplace" or "map" (quick)
    seed
        every draw of chance comes from it
    engine
        what does the work of features and scores: "duckdb", or "spark" for more than one machine

    Raises
    ------
    SettingsError
        a key is unknown, or a value is of the wrong kind or outside its range
    DateError
        as_of is no date

    Examples
    --------
    >>> Settings(as_of="2017-12-03", horizon_days=28).as_of
    datetime.date(2017, 12, 3)
    >>> Settings(horizn_days=28)
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: The settings have no key 'horizn_days'; did you mean 'horizon_days'?
    """

    tables: TablesSettings = Field(default_factory=TablesSettings)
    as_of: date | None = None
    horizon_days: int = Field(default=90, ge=1, le=3650)
    value_horizon_days: int = Field(default=365, ge=1, le=36500)
    margin: float = Field(default=1.0, gt=0, le=1)
    annual_discount_rate: float = Field(default=0.10, ge=0, le=10)
    duplicates: Literal["keep", "reject"] = "keep"
    active_within_days: int | None = Field(default=None, ge=1)
    activity: Literal["purchases", "engagement", "subscriptions"] | None = None
    churn_window: Literal["fixed", "adaptive"] = "fixed"
    churn_segment: str | None = None
    time_zone: str | None = None
    purchase_family: Literal["bgnbd", "mbgnbd"] = "bgnbd"
    inference: Literal["nuts", "laplace", "map"] = "nuts"
    seed: int = Field(default=0, ge=0, lt=2**32)
    engine: Literal["duckdb", "spark"] = "duckdb"
    check: CheckSettings = Field(default_factory=CheckSettings)
    features: FeaturesSettings = Field(default_factory=FeaturesSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)
    score: ScoreSettings = Field(default_factory=ScoreSettings)
    serve: ServeSettings = Field(default_factory=ServeSettings)
    backtest: BacktestSettings = Field(default_factory=BacktestSettings)
    drift: DriftSettings = Field(default_factory=DriftSettings)
    demo: DemoSettings = Field(default_factory=DemoSettings)
    offer: OfferSettings = Field(default_factory=OfferSettings)
    stages: StagesSettings = Field(default_factory=StagesSettings)
    tiers: TiersSettings = Field(default_factory=TiersSettings)
    network: NetworkSettings = Field(default_factory=NetworkSettings)
    learning: LearningSettings = Field(default_factory=LearningSettings)
    kpis: KpisSettings = Field(default_factory=KpisSettings)
    costs: CostsSettings = Field(default_factory=CostsSettings)
    plans: PlansSettings = Field(default_factory=PlansSettings)
    what_if: WhatIfSettings = Field(default_factory=WhatIfSettings)
    spark: SparkSettings = Field(default_factory=SparkSettings)
    target: TargetSettings = Field(default_factory=TargetSettings)
    measure: MeasureSettings = Field(default_factory=MeasureSettings)
    audience: AudienceSettings = Field(default_factory=AudienceSettings)
    uplift: UpliftSettings = Field(default_factory=UpliftSettings)
    win_back: WinBackSettings = Field(default_factory=WinBackSettings)
    due: DueSettings = Field(default_factory=DueSettings)
    settle: SettleSettings = Field(default_factory=SettleSettings)
    stage_history: StageHistorySettings = Field(default_factory=StageHistorySettings)
    lookalikes: LookalikesSettings = Field(default_factory=LookalikesSettings)

    @field_validator("as_of", mode="before")
    @classmethod
    def _read_a_day(cls, given: Any) -> date | None:
        if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
            return given
        try:
            return date.fromisoformat(given)
        except (TypeError, ValueError):
            raise DateError(
                f"as_of is {str(given)!r}, which is no date. Write it as YYYY-MM-DD, for instance 2024-12-31."
            ) from None

    @model_validator(mode="wrap")
    @classmethod
    def _answer_in_a_sentence(cls, given: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validate(given)
        except ValidationError as refused:
            raise _sentence(refused.errors()[0]) from None

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values for a record of the run; a frame is named by its type and size, and no
        password is in it.

        Examples
        --------
        >>> Settings(horizon_days=28).to_dict()["horizon_days"]
        28
        """
        return self.model_dump(mode="json", exclude_none=True)


def read_settings(path: str | Path | None = None, /, **flags: Any) -> Settings:
    """Settings from a TOML file, overridden by `flags`; the defaults where neither says anything.

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
            f"The settings file {str(path)!r} is no valid TOML: {refused}. Mend that line."
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
