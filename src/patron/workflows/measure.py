"""A list and what was bought since → the effect of the campaign, treated against held out customers."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patron.campaigns.allocation.holdout import strata
from patron.campaigns.input_tables import ids_as_text
from patron.campaigns.list_folder import read_list
from patron.campaigns.measure import measure_effects
from patron.campaigns.outcomes import check_horizon_passed, contacts_made, purchases_made
from patron.errors import SettingsError, counted
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import read_records, warn_of_rejected
from patron.storage.atomic_files import write_json

__all__ = ["MeasureResult", "measure"]


RESULT_FILE = "measured.json"


def measure(settings: Settings, *, progress: Progress = silent) -> "MeasureResult":
    """Incremental purchases, margin and profit of a campaign, with intervals.

    Parameters
    ----------
    settings
        `measure.folder` holds the list; `tables.transactions` what was bought until the end of its horizon
        and, to adjust, in as many days before it; `tables.contacts`, if given, who was actually contacted and
        at what cost; `margin` the share of an amount that is kept; `as_of` the last day known, by default the
        last day of the transactions
    progress
        called with each step as it begins

    Raises
    ------
    DateError
        the horizon of the list has not passed
    InputError
        the list or a table cannot be used, or there is no holdout to compare with

    Examples
    --------
    A list made by `patron target`, and what its customers bought since:

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
    warn_of_rejected(records.report)
    bought, contacts = records.get("transactions"), records.get("contacts")
    if bought is None:
        raise SettingsError("No transactions are named. Name what was bought since, with --transactions.")
    check_horizon_passed(bought, settings.as_of, start, start + horizon)
    if settings.measure.campaign is not None and contacts is None:
        raise SettingsError(
            "A campaign is selected by the contacts. Give them with --contacts, or name no campaign."
        )

    progress(f"Comparing {start + timedelta(days=1)} to {start + horizon}")
    ids = ids_as_text(listed["customer_id"])
    purchases = purchases_made(bought, ids, start, horizon)
    contacted = (
        None if contacts is None else contacts_made(contacts, ids, start, horizon, settings.measure.campaign)
    )
    treated = listed["treated"].to_numpy(dtype=bool)
    planned = np.where(treated, listed["cost"].to_numpy(dtype=np.float64), 0.0)
    paid = None if contacted is None else contacted.cost
    cost = planned if paid is None else paid
    margin = settings.margin * purchases.after
    profit_expected = listed["expected_profit"].to_numpy(dtype=np.float64)
    table = measure_effects(
        {"purchases": purchases.days, "margin": margin, "profit": margin - cost},
        treated,
        strata(listed["offer"], profit_expected),
        covariates=np.column_stack([profit_expected, purchases.before]) if settings.measure.adjust else None,
        level=settings.measure.confidence,
    )
    measured = MeasureResult(
        table=table,
        level=settings.measure.confidence,
        treated=int(treated.sum()),
        holdout=int((~treated).sum()),
        contaminated=None if contacted is None else int((contacted.contacted & ~treated).sum()),
        never_contacted=None if contacted is None else int((~contacted.contacted & treated).sum()),
        first_day=start + timedelta(days=1),
        last_day=start + horizon,
        expected=float(profit_expected[treated].sum()),
        counts_beyond_horizon=any(
            effect.get("basis") == "assumed" for effect in plan.get("effects", {}).values()
        ),
        margin=settings.margin,
        costs_are_planned=paid is None,
        out=Path(settings.measure.folder or ".") / RESULT_FILE,
    )
    write_json(measured.to_dict(), measured.out)
    return measured


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """The result of `measure`.

    Attributes
    ----------
    table
        key outcome (purchases, margin, profit), see :func:`patron.campaigns.measure.measure_effects`
    level
        confidence level of the intervals
    treated, holdout
        number of customers
    contaminated
        number of customers held out who were contacted anyway; None if unknown
    never_contacted
        number of treated customers without a contact on record; None if unknown
    first_day, last_day
        the horizon
    expected
        money, expected profit of the treated customers according to the list
    counts_beyond_horizon
        whether it includes what retained customers bring after the horizon
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
    counts_beyond_horizon: bool
    margin: float
    costs_are_planned: bool
    out: Path

    def title(self) -> str:
        """The title of the table."""
        return (
            f"Effect of the campaign from {self.first_day} to {self.last_day}: "
            f"{counted(self.treated, 'customer')} treated against {self.holdout:,} held out, "
            f"{self.level:.0%} intervals"
        )

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        numbers = {str(row["outcome"]): row for row in self.table.to_dict("records")}
        names = ("first_day", "last_day", "level", "treated", "holdout", "contaminated", "never_contacted")
        return {
            **plain_fields(self, *names, "costs_are_planned", expected_profit="expected"),
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
        """The result in words."""
        of_profit = self.table[self.table["outcome"] == "profit"]
        total, low, high = (
            float(of_profit[name].to_numpy()[0]) for name in ("total", "total_low", "total_high")
        )
        verdict = (
            "the campaign earned money"
            if low > 0
            else "the campaign lost money"
            if high < 0
            else "it is not clear whether the campaign earned or lost money"
        )
        further = (
            " over the value horizon of the scores, not in these days" if self.counts_beyond_horizon else ""
        )
        lines = [
            f"Incremental profit {total:,.2f} ({self.level:.0%} interval {low:,.2f} to {high:,.2f}): "
            f"{verdict}. The list expected {self.expected:,.2f}{further}.",
            f"Margin is {100 * self.margin:g}% of what was bought.",
        ]
        if self.contaminated:
            lines.append(
                f"{self.contaminated:,} of {counted(self.holdout, 'customer')} held out "
                f"{'was' if self.contaminated == 1 else 'were'} contacted anyway. They "
                "stay in the holdout, as randomised, so the true effect is larger in size."
            )
        if self.never_contacted:
            lines.append(
                f"No contact is on record for {self.never_contacted:,} of "
                f"{counted(self.treated, 'treated customer')}; the effect is that of being on the list."
            )
        if self.costs_are_planned:
            lines.append("Costs are planned costs; give the contacts table to use actual costs.")
        return [*lines, f"Written to {self.out}."]
