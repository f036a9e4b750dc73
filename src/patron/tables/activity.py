"""What counts as activity: purchases, engagement or a contract that runs.

A customer who is no longer active has churned. Engagement is what customers do, not what the business sends
them, because customers who left still receive that.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Literal

import ibis.expr.types as ir

from patron.errors import SettingsError, TableError, some

__all__ = [
    "Activity",
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


def is_response(kind: str) -> bool:
    """Whether a kind of engagement answers an invitation, by the words in it.

    Examples
    --------
    >>> is_response("CouponRedeemed"), is_response("app_visit")
    (True, False)
    """
    return bool(_words(kind) & RESPONSE_WORDS)


def is_invitation(kind: str) -> bool:
    """Whether a kind of engagement is what the business sent or showed, by the words in it.

    Examples
    --------
    >>> is_invitation("email_sent"), is_invitation("Invitation answered")
    (True, False)
    """
    return bool(_words(kind) & INVITATION_WORDS) and not is_response(kind)


def passive_kinds(engagement: ir.Table) -> tuple[str, ...]:
    """The kinds of engagement that are no activity of the customer, in the order of the alphabet.

    Raises
    ------
    TableError
        there is no other kind

    Examples
    --------
    >>> passive_kinds(ibis.memtable({"kind": ["email_sent", "email_open", "visit"]}))
    ('email_sent',)
    """
    kinds: list[str] = sorted(engagement.select("kind").distinct().kind.to_pyarrow().to_pylist())
    passive = tuple(kind for kind in kinds if is_invitation(kind))
    if len(passive) == len(kinds):
        raise TableError(
            f"table 'engagement' holds only what was sent to customers ({some(passive)}), and nothing that "
            "they did. Add what customers do, or rename the kinds if they are that."
        )
    return passive


def choose_activity(tables: Collection[str], activity: str | None = None) -> Activity:
    """What counts as activity: as asked, or else what the tables are about.

    Parameters
    ----------
    tables
        names of the tables that are given
    activity
        "purchases", "engagement" or "subscriptions"; None takes contracts where there is such a table,
        else purchases, else engagement

    Raises
    ------
    SettingsError
        the activity is unknown, its table is missing, or no table tells of any activity

    Examples
    --------
    >>> choose_activity(["transactions", "engagement"]), choose_activity(["engagement"])
    ('purchases', 'engagement')
    """
    if activity is not None and activity not in TABLE_OF:
        raise SettingsError(f"activity must be one of {', '.join(TABLE_OF)}, got {activity!r}.")
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
