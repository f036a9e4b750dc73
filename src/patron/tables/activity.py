"""What counts as activity, and from which silence on a customer has churned: `ChurnDefinition`.

A customer who is no longer active has churned. Engagement is what customers do, not what the business sends
them, because customers who left still receive that.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import ibis.expr.types as ir

from patron.checks import one_of
from patron.errors import SettingsError, TableError, some

__all__ = [
    "Activity",
    "ChurnDefinition",
    "ChurnWindow",
    "choose_activity",
    "is_invitation",
    "is_response",
    "passive_kinds",
]

type Activity = Literal["purchases", "engagement", "subscriptions"]
type ChurnWindow = Literal["fixed", "adaptive"]

TABLE_OF: Mapping[str, str] = {
    "purchases": "transactions",
    "engagement": "engagement",
    "subscriptions": "subscriptions",
}

INVITATION_WORDS = frozenset(
    {"received", "sent", "send", "delivered", "delivery", "impression", "impressions"}
    | {"invitation", "invite", "invited", "shown", "displayed", "mailed"}
)
RESPONSE_WORDS = frozenset(
    {"open", "opened", "click", "clicked", "redeem", "redeemed", "redemption"}
    | {"reply", "replied", "respond", "responded", "response", "answered"}
)
CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChurnDefinition:
    """How a business defines churn.

    Attributes
    ----------
    activity
        what a customer who churns no longer has: "purchases", "engagement" (an event of any kind) or
        "subscriptions" (a contract that runs); None takes contracts where there is such a table, else
        purchases, else engagement
    window
        "fixed" for the whole horizon, or "adaptive" for a window of each customer's own within the horizon,
        by the customer's usual gaps
    segment
        column of the customers table whose values group the customers that share their gaps in adaptive
        windows; None for one group of all customers

    Raises
    ------
    RangeError
        the activity or the window is unknown

    Examples
    --------
    >>> ChurnDefinition(activity="engagement", window="adaptive").segment is None
    True
    """

    activity: Activity | None = None
    window: ChurnWindow = "fixed"
    segment: str | None = None

    def __post_init__(self) -> None:
        if self.activity is not None:
            one_of("churn.activity", self.activity, tuple(TABLE_OF))
        one_of("churn.window", self.window, ("fixed", "adaptive"))


def is_response(kind: str) -> bool:
    """Whether a kind of engagement answers an invitation, by the words in it.

    Parameters
    ----------
    kind
        such as "email_opened"

    Examples
    --------
    >>> is_response("CouponRedeemed"), is_response("app_visit")
    (True, False)
    """
    return bool(_words(kind) & RESPONSE_WORDS)


def is_invitation(kind: str) -> bool:
    """Whether a kind of engagement is something that the business sent or showed, by the words in it.

    Parameters
    ----------
    kind
        such as "email_sent"

    Examples
    --------
    >>> is_invitation("email_sent"), is_invitation("Invitation answered")
    (True, False)
    """
    return bool(_words(kind) & INVITATION_WORDS) and not is_response(kind)


def passive_kinds(engagement: ir.Table) -> tuple[str, ...]:
    """The kinds of engagement that are not activity of the customer, in alphabetical order.

    Parameters
    ----------
    engagement
        one row per event, with its kind

    Raises
    ------
    TableError
        every kind is passive

    Examples
    --------
    >>> import ibis
    >>> passive_kinds(ibis.memtable({"kind": ["email_sent", "email_open", "visit"]}))
    ('email_sent',)
    """
    kinds: list[str] = sorted(engagement.select("kind").distinct().kind.to_pyarrow().to_pylist())
    passive = tuple(kind for kind in kinds if is_invitation(kind))
    if len(passive) == len(kinds):
        raise TableError(
            f"table 'engagement' holds only what was sent to customers ({some(passive)}) and none of their "
            "own activity. Add that, or rename the kinds if they are activity."
        )
    return passive


def choose_activity(tables: Collection[str], activity: Activity | None = None) -> Activity:
    """The activity of the churn definition, or else the one that the tables record.

    Parameters
    ----------
    tables
        names of the tables given
    activity
        "purchases", "engagement" or "subscriptions"; None takes contracts where there is such a table,
        else purchases, else engagement

    Raises
    ------
    SettingsError
        the table of the activity is missing, or no table records any activity

    Examples
    --------
    >>> choose_activity(["transactions", "engagement"]), choose_activity(["engagement"])
    ('purchases', 'engagement')
    """
    wanted: tuple[Activity, ...] = ("subscriptions", "purchases", "engagement")
    found = [name for name in wanted if activity in (None, name) and TABLE_OF[name] in tables]
    if found:
        return found[0]
    if activity is None:
        raise SettingsError(
            "No transactions are given, and neither engagement nor subscriptions. Name a file with "
            "--transactions or under [tables.transactions] in patron.toml."
        )
    table = TABLE_OF[activity]
    raise SettingsError(
        f"activity {activity!r} needs the table {table!r}, which is not given. Name it with --{table}, or "
        "choose another activity."
    )


def _words(kind: str) -> set[str]:
    parted = CAMEL_HUMP.sub(" ", unicodedata.normalize("NFKC", kind))
    return set(re.split(r"[\W_]+", parted.casefold()))
