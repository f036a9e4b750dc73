"""The figures of the last twelve whole months, from which a what-if analysis starts."""

from dataclasses import dataclass
from datetime import date

from patron.arrays import Floats
from patron.economics.decisions.what_if import retention_draws
from patron.economics.monthly_base import monthly_base
from patron.economics.periods import whole_periods
from patron.errors import DateError, TableError, counted
from patron.tables.records import Records

__all__ = ["LastYear", "count_last_year"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastYear:
    """Customers, revenue and margin of twelve whole months.

    Attributes
    ----------
    start, end
        first and last day
    at_start, at_end, kept
        customers active before the first day, at the end of the last, and at both
    revenue, margin
        money
    """

    start: date
    end: date
    at_start: int
    at_end: int
    kept: int
    revenue: float
    margin: float

    @property
    def figures(self) -> dict[str, float]:
        """The arguments of `patron.economics.decisions.what_if.Business` that can be counted.

        Examples
        --------
        >>> year = LastYear(start=date(2024, 1, 1), end=date(2024, 12, 31), at_start=100, at_end=100, kept=80,
        ...                 revenue=9000.0, margin=3000.0)
        >>> year.figures
        {'customers': 100.0, 'acquisition': 0.2, 'revenue': 90.0, 'margin': 30.0}
        """
        mean = max((self.at_start + self.at_end) / 2, 1)
        return {
            "customers": float(self.at_end),
            "acquisition": (self.at_end - self.kept) / self.at_start,
            "revenue": max(self.revenue / mean, 0.0),
            "margin": self.margin / mean,
        }

    def retention(self, random_state: int = 0) -> Floats:
        """Posterior draws of the share of customers who stay a year.

        Parameters
        ----------
        random_state
            seed
        """
        return retention_draws(self.kept, self.at_start - self.kept, random_state=random_state)

    def sentence(self) -> str:
        """How many customers stayed and how many were gained."""
        return (
            f"From {self.start} to {self.end}: {self.kept:,} of {counted(self.at_start, 'customer')} stayed, "
            f"{self.at_end - self.kept:,} were new or returned."
        )


def count_last_year(
    records: Records, as_of: date | None = None, *, margin: float = 1.0, active_within: int = 90
) -> LastYear:
    """The figures of the last twelve whole months up to a day.

    Parameters
    ----------
    records, margin, active_within
        as in :func:`patron.economics.monthly_base.monthly_base`
    as_of
        last day that counts; None takes the last day of the transactions

    Raises
    ------
    DateError
        there are fewer than twelve whole months
    TableError
        no customer was active before them
    """
    held = records.report["transactions"]
    assert held.first_day is not None  # the table has a valid row, and every row has a day
    assert held.last_day is not None
    months = whole_periods(held.first_day, as_of or held.last_day, "month")[-12:]
    if len(months) < 12:
        raise DateError(
            f"The data hold {counted(len(months), 'whole month')}, but annual retention needs twelve. Give "
            "more data, or the figures as flags."
        )
    base = monthly_base(records, months, margin=margin, active_within=active_within)
    active = base.each.active
    began, ended = active & 1, (active >> len(months)) & 1
    counts = base.each.aggregate(
        began=began.sum().cast("int64"),
        ended=ended.sum().cast("int64"),
        kept=(began * ended).sum().cast("int64"),
    ).to_pandas()
    at_start, at_end, kept = (int(counts[name].fillna(0).iloc[0]) for name in ("began", "ended", "kept"))
    if at_start == 0:
        raise TableError(
            f"No customer was active on {months[0].before}, a year before the last day, so retention is "
            "unknown."
        )
    money = base.segments[["revenue", "margin"]].sum()
    return LastYear(
        start=months[0].start,
        end=months[-1].end,
        at_start=at_start,
        at_end=at_end,
        kept=kept,
        revenue=float(money["revenue"]),
        margin=float(money["margin"]),
    )
