"""A list and what was bought since → what the campaign changed, treated against held out."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.campaigns.allocation.holdout import strata
from patron.campaigns.allocation.plan import LIST_COLUMNS
from patron.campaigns.measure import measure_effects
from patron.errors import DateError, SettingsError, SourceError, TableError, counted, some
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import read_records, tell_rejected
from patron.storage.atomic_files import write_json
from patron.tables.records import Records
from patron.tables.source import open_source, reading
from patron.workflows.campaign_inputs import ids_as_text
from patron.workflows.target import LIST_FILE, PLAN_FILE

__all__ = ["MeasureResult", "measure", "read_list"]


RESULT_FILE = "measured.json"


def measure(settings: Settings, *, progress: Progress = silent) -> "MeasureResult":
    """Incremental purchases, margin and profit of a campaign, with intervals.

    Parameters
    ----------
    settings
        `measure.folder` holds the list; `tables.transactions` what was bought until the end of its
        horizon and, to adjust, in as many days before it; `tables.contacts`, where it is given, who was
        contacted really and at what cost; `margin` the share of an amount that is kept; `as_of` the last day
        known, of the transactions if None
    progress
        called with each step as it begins

    Raises
    ------
    DateError
        the horizon of the list has not passed
    InputError
        the list or a table cannot be used, or there is no one to compare with

    Examples
    --------
    A list as `patron target` leaves it, and what its customers bought since:

    >>> import tempfile
    >>> from patron.workflows.target import target
    >>> folder = Path(tempfile.mkdtemp())
    >>> size = (folder / "offers.toml").write_text('''[channels.phone]
    ... [offers.call]
    ... channel = "phone"
    ... incentive = 0.0
    ... contact_cost = 1.0
    ... acceptance = 0.3
    ... ''')
    >>> ids = list(range(1, 21))
    >>> scores = pd.DataFrame({"customer_id": ids, "as_of": "2024-01-31", "horizon_days": 28,
    ...                        "model_version": "1", "churn_probability": 0.4, "growth_potential": 200.0})
    >>> settings = Settings(target={"scores": scores, "offers": folder / "offers.toml", "holdout": 0.5,
    ...                             "out": folder / "list"})
    >>> listed = target(settings).plan.listed
    >>> treated = listed.loc[listed["treated"], "customer_id"]
    >>> sales = pd.DataFrame({"customer_id": [*treated, 1], "amount": [20.0] * len(treated) + [5.0],
    ...                       "order_at": ["2024-02-10"] * len(treated) + ["2024-03-01"]})
    >>> found = measure(Settings(tables={"transactions": sales}, measure={"folder": folder / "list"}))
    >>> found.table.set_index("outcome").loc["margin", ["mean_treated", "mean_holdout", "effect"]].tolist()
    [20.0, 0.0, 20.0]
    """
    listed, plan = read_list(settings.measure.folder)
    start = date.fromisoformat(plan["as_of"])
    horizon = timedelta(days=int(plan["horizon_days"]))
    progress("Reading the tables")
    records = read_records(settings, "transactions", "contacts")
    tell_rejected(records.report)
    bought = records.get("transactions")
    if bought is None:
        raise SettingsError("No transactions are named. Name what was bought since, with --transactions.")
    _refuse_too_early(bought, settings.as_of, start, start + horizon)
    if settings.measure.campaign is not None and "contacts" not in records.tables:
        raise SettingsError(
            "A campaign is told by the contacts. Give them with --contacts, or name no campaign."
        )

    progress(f"Comparing {start + timedelta(days=1)} to {start + horizon}")
    ids = ids_as_text(listed["customer_id"])
    _refuse_strangers(bought, ids)
    purchases, after, before = _purchases(bought, ids, start, horizon)
    contacted, paid = _contacts(records, ids, start, horizon, settings.measure.campaign)
    treated = listed["treated"].to_numpy(dtype=bool)
    planned = np.where(treated, listed["cost"].to_numpy(dtype=np.float64), 0.0)
    cost = planned if paid is None else paid
    margin = settings.margin * after
    profit_expected = listed["expected_profit"].to_numpy(dtype=np.float64)
    table = measure_effects(
        {"purchases": purchases, "margin": margin, "profit": margin - cost},
        treated,
        strata(listed["offer"], profit_expected),
        covariates=np.column_stack([profit_expected, before]) if settings.measure.adjust else None,
        level=settings.measure.confidence,
    )
    measured = MeasureResult(
        table=table,
        level=settings.measure.confidence,
        treated=int(treated.sum()),
        holdout=int((~treated).sum()),
        contaminated=None if contacted is None else int((contacted & ~treated).sum()),
        never_contacted=None if contacted is None else int((~contacted & treated).sum()),
        first_day=start + timedelta(days=1),
        last_day=start + horizon,
        expected=float(profit_expected[treated].sum()),
        looks_further=any(effect.get("basis") == "assumed" for effect in plan.get("effects", {}).values()),
        margin=settings.margin,
        costs_are_planned=paid is None,
        out=Path(settings.measure.folder or ".") / RESULT_FILE,
    )
    write_json(measured.to_dict(), measured.out)
    return measured


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """What `measure` found.

    Attributes
    ----------
    table
        key outcome (purchases, margin, profit), see :func:`patron.campaigns.measure.measure_effects`
    level
        of the intervals
    treated, holdout
        count of customers
    contaminated
        count of customers held out who were contacted after all; None where nobody knows
    never_contacted
        count of customers treated of whom no contact is on record; None where nobody knows
    first_day, last_day
        of the horizon
    expected
        money, the profit that the list promised of the customers treated
    looks_further
        whether that counts what customers who stay bring after the horizon, too
    margin
        share of the amounts that counts as margin
    costs_are_planned
        whether the costs are those of the plan, not of the contacts table
    out
        the file that was written
    """

    table: pd.DataFrame
    level: float
    treated: int
    holdout: int
    contaminated: int | None
    never_contacted: int | None
    first_day: date
    last_day: date
    expected: float
    looks_further: bool
    margin: float
    costs_are_planned: bool
    out: Path

    def title(self) -> str:
        """What the table shows."""
        return (
            f"What the contact changed from {self.first_day} to {self.last_day}: "
            f"{counted(self.treated, 'customer')} treated against {self.holdout:,} held out, "
            f"intervals of {self.level:.0%}"
        )

    def to_dict(self) -> dict[str, Any]:
        """What was found, as plain values."""
        numbers = {str(row["outcome"]): row for row in self.table.to_dict("records")}
        return {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "level": self.level,
            "treated": self.treated,
            "holdout": self.holdout,
            "contaminated": self.contaminated,
            "never_contacted": self.never_contacted,
            "costs_are_planned": self.costs_are_planned,
            "expected_profit": self.expected,
            "effects": {
                name: {str(key): value for key, value in row.items() if key != "outcome"}
                for name, row in numbers.items()
            },
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.table
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was found, in words."""
        of_profit = self.table[self.table["outcome"] == "profit"]
        total, low, high = (
            float(of_profit[name].to_numpy()[0]) for name in ("total", "total_low", "total_high")
        )
        verdict = (
            "the campaign earned money"
            if low > 0
            else "the campaign lost money"
            if high < 0
            else "whether the campaign earned or lost money is open"
        )
        further = " over the value horizon of the scores, not in these days" if self.looks_further else ""
        told = [
            f"Incremental profit {total:,.2f}, between {low:,.2f} and {high:,.2f} with "
            f"{self.level:.0%}: {verdict}. The list promised {self.expected:,.2f}{further}.",
            f"Margin is {100 * self.margin:g}% of what was bought.",
        ]
        if self.contaminated:
            told.append(
                f"{self.contaminated:,} of {counted(self.holdout, 'customer')} held out "
                f"{'was' if self.contaminated == 1 else 'were'} contacted after all. They "
                "stay in the holdout, where the lot put them, so that the true effect is larger in size."
            )
        if self.never_contacted:
            told.append(
                f"No contact is on record for {self.never_contacted:,} of "
                f"{counted(self.treated, 'customer')} treated; the effect is that of being on the list."
            )
        if self.costs_are_planned:
            told.append(
                "The costs are those of the plan; with the contacts table they would be the real ones."
            )
        return [*told, f"Written to {self.out}."]


def read_list(folder: Path | None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The list and the plan that `patron target` wrote.

    Parameters
    ----------
    folder
        with list.parquet and plan.json

    Raises
    ------
    SettingsError
        no folder is named, or it holds no list
    SourceError, TableError
        the list or the plan cannot be read
    """
    if folder is None:
        raise SettingsError("No list is named. Name the folder that patron target wrote, with --list.")
    missing = [name for name in (LIST_FILE, PLAN_FILE) if not (folder / name).is_file()]
    if missing:
        raise SettingsError(
            f"The folder {str(folder)!r} has no {missing[0]}. Name the folder that patron target wrote."
        )
    path = folder / LIST_FILE
    with reading("list", str(path)):
        listed = open_source(str(path), "list").to_pandas()
    if lost := [name for name in LIST_COLUMNS if name not in listed.columns]:
        raise TableError(f"The list {str(path)!r} lacks {', '.join(lost)}. Make it again with patron target.")
    try:
        plan = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
        date.fromisoformat(plan["as_of"])
        int(plan["horizon_days"])
    except (OSError, ValueError, KeyError, TypeError) as refused:
        raise SourceError(
            f"The plan {str(folder / PLAN_FILE)!r} cannot be read: {refused}. "
            "Make the list again with patron target."
        ) from None
    return listed.sort_values("customer_id", kind="stable", ignore_index=True), plan


def _refuse_too_early(bought: ir.Table, as_of: date | None, start: date, end: date) -> None:
    last = bought.day.max().to_pyarrow().as_py()
    known_until = last if as_of is None or last <= start else as_of  # a later day needs some purchase since
    if known_until < end:
        raise DateError(
            f"The list of {start} is to be measured until {end}, and the transactions end on {known_until}. "
            f"Measure it with those until {end}."
        )


def _refuse_strangers(bought: ir.Table, ids: npt.NDArray[np.str_]) -> None:
    """Where nobody on the list ever bought, ids are written otherwise, and every effect would be nought."""
    listed = ibis.memtable(pd.DataFrame({"listed": ids.astype(object)}), schema={"listed": "string"})
    buyers = bought.select(key=bought.customer_id.cast("string"))
    known = buyers.semi_join(listed, buyers.key == listed.listed).limit(1).to_pandas()
    if len(ids) and known.empty:
        other = buyers.limit(1).to_pandas()["key"].iloc[0]
        one = len(ids) == 1
        nobody = "The customer listed is not" if one else f"None of the {len(ids):,} customers of the list is"
        raise TableError(
            f"{nobody} in the transactions, whose ids are such as "
            f"{other!r}, those of the list such as {str(ids[0])!r}. Give the transactions of these customers."
        )


def _purchases(
    bought: ir.Table, ids: npt.NDArray[np.str_], start: date, horizon: timedelta
) -> tuple[Floats, Floats, Floats]:
    """Purchase days in the horizon, the amounts in it, and those in as many days before: (n_listed,) each."""
    first, last = ibis.literal(start - horizon), ibis.literal(start + horizon)
    within = bought.filter(bought.day > first, bought.day <= last)
    listed = ibis.memtable(pd.DataFrame({"listed": ids.astype(object)}), schema={"listed": "string"})
    mine = within.mutate(key=within.customer_id.cast("string")).semi_join(listed, ibis._.key == listed.listed)
    daily = mine.group_by("key", "day").agg(net=mine.amount.cast("float64").sum())
    later = daily.day > ibis.literal(start)
    people = daily.group_by("key").agg(
        purchases=((daily.net > 0) & later).cast("int64").sum().cast("int64"),
        after=ibis.ifelse(later, daily.net, 0.0).sum(),
        before=ibis.ifelse(later, 0.0, daily.net).sum(),
    )
    found = people.to_pandas().set_index("key").reindex(ids).fillna(0.0)
    purchases, after, before = (found[name].to_numpy(np.float64) for name in ("purchases", "after", "before"))
    return purchases, after, before


def _contacts(
    records: Records, ids: npt.NDArray[np.str_], start: date, horizon: timedelta, campaign: str | None
) -> tuple[npt.NDArray[np.bool_] | None, Floats | None]:
    """Who was contacted in the horizon, and what that cost; None where there is no record of it."""
    contacts = records.get("contacts")
    if contacts is None:
        return None, None
    if campaign is not None and "campaign" in contacts.columns:
        names = sorted(contacts.campaign.as_table().distinct().to_pandas()["campaign"].dropna())
        if campaign not in names:
            raise SettingsError(f"The contacts have no campaign {campaign!r}; they have {some(names)}.")
        contacts = contacts.filter(contacts.campaign == campaign)
    elif campaign is not None:
        raise SettingsError(
            f"The contacts name no campaign, so that {campaign!r} cannot be told from others."
        )
    made = contacts.filter(
        contacts.day > ibis.literal(start),
        contacts.day <= ibis.literal(start + horizon),
        contacts.treated == 1,
    )
    cost = made.cost.cast("float64") if "cost" in made.columns else ibis.null("float64")
    people = made.mutate(key=made.customer_id.cast("string"), paid=cost).group_by("key")
    found = (
        people.agg(contacts=ibis._.count(), paid=ibis._.paid.sum()).to_pandas().set_index("key").reindex(ids)
    )
    contacted = found["contacts"].notna().to_numpy(dtype=bool)
    paid = found["paid"].to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isnan(paid[contacted]).all():
        return contacted, None
    return contacted, np.nan_to_num(paid)
