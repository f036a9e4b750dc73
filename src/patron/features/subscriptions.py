"""Features of the running contract: its age, plan and price, renewals so far, and days to the next one.

A table of contracts is written later than as_of, and much in it reveals the outcome: when a contract ended,
why, and a next renewal that only survivors have. So features come from what `running` lets through, and of
renews_at only the place within the period counts, which is the same whatever became of the contract.
"""

import warnings
from typing import TYPE_CHECKING

import ibis

from patron.errors import PatronWarning
from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.features.family import Discovered, FeatureFamily, VisibleBusiness, warn_without_table
from patron.features.type_inference import infer_types
from patron.snapshots.asof import KEY, running, visible

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = ["SUBSCRIPTIONS", "subscription_features", "subscriptions"]

NO_CONTRACT = "no contract runs"

TENURE = FeatureSpec(
    "subscription_tenure", "subscription", "day", "number",
    "contract began {value:day} ago", when_none=None, text_unknown=NO_CONTRACT,
)  # fmt: skip
BEFORE = FeatureSpec(
    "subscriptions_before", "subscription", "contract", "number", "{value:earlier contract} that began before"
)
PLAN = FeatureSpec(
    "subscription_plan", "subscription", "plan", "category",
    "plan is {value}", when_none=None, text_unknown="plan unknown",
)  # fmt: skip
PRICE = FeatureSpec(
    "subscription_price", "subscription", "money", "number",
    "pays {value:money} a period[, plan {subscription_plan}]", when_none=None, text_unknown="price unknown",
)  # fmt: skip
RENEWALS = FeatureSpec(
    "subscription_renewals", "subscription", "renewal", "number",
    "{value:renewal} so far", when_none=None, text_unknown="renewals unknown",
)  # fmt: skip
TO_RENEWAL = FeatureSpec(
    "days_to_renewal", "subscription", "day", "number",
    "renews in {value:day}", when_none=None, text_unknown="day of renewal unknown",
)  # fmt: skip
SUBSCRIPTION_FEATURES = (TENURE, BEFORE, PLAN, PRICE, RENEWALS, TO_RENEWAL)
NEEDS = {PLAN: "plan", PRICE: "price", RENEWALS: "period_days", TO_RENEWAL: "period_days"}


def discover(business: VisibleBusiness) -> Discovered:
    """Those whose columns the table of contracts has; none without the table."""
    contracts = business.history.subscriptions
    return Discovered(specs=() if contracts is None else subscription_features(contracts, business.spine()))


def build(history: "History", spine: "ir.Table", catalogue: FeatureCatalogue) -> "ir.Table | None":
    """The contract that ran on as_of. Rows: those of `spine` with one."""
    if history.subscriptions is None:
        if any(spec.name in catalogue for spec in SUBSCRIPTION_FEATURES):
            warn_without_table("subscriptions")
        return None
    return subscriptions(history.subscriptions, spine)


SUBSCRIPTIONS = FeatureFamily(
    name="subscriptions",
    discover=discover,
    build=build,
    computed=lambda catalogue: SUBSCRIPTION_FEATURES,
    unknown_without_data=True,
)


def subscription_features(contracts: "ir.Table", spine: "ir.Table") -> tuple[FeatureSpec, ...]:
    """The features that this table of contracts can have, from what was visible on the spine's as_of.

    Parameters
    ----------
    contracts
        one row per contract, with customer_id and day, as `History.subscriptions`
    spine
        one row per customer and as_of

    Warns
    -----
    PatronWarning
        there are too many plans for a category

    Examples
    --------
    >>> from datetime import date
    >>> contracts = ibis.memtable({"customer_id": [1], "day": [date(2024, 1, 1)], "price": [9.0]})
    >>> spine = ibis.memtable({"customer_id": [1], "as_of": [date(2024, 1, 31)]})
    >>> [spec.name for spec in subscription_features(contracts, spine)]
    ['subscription_tenure', 'subscriptions_before', 'subscription_price']
    """
    specs = [spec for spec in SUBSCRIPTION_FEATURES if NEEDS.get(spec, "day") in contracts.columns]
    if PLAN in specs:
        _, faults = infer_types(visible(contracts, spine).select("plan"))
        if faults:
            specs.remove(PLAN)
            sentence = f"subscriptions.plan is left out of the features: {faults['plan']}."
            warnings.warn(sentence, PatronWarning, stacklevel=5)
    return tuple(specs)


def subscriptions(contracts: "ir.Table", spine: "ir.Table") -> "ir.Table":
    """The contract that ran on as_of, of several the one that began last. Rows: those of `spine` with one.

    Parameters
    ----------
    contracts
        one row per contract, with customer_id and day (of its start), and plan, price, period_days,
        renews_at, ended_on where given
    spine
        one row per customer and as_of

    Returns
    -------
    ir.Table
        customer_id, as_of, and of `SUBSCRIPTION_FEATURES` those whose columns were given: tenure and
        days_to_renewal in days, price as money, counts, plan as text. days_to_renewal lies in
        [1, period_days]; without renews_at periods count from the start.

    Examples
    --------
    >>> from datetime import date
    >>> contracts = ibis.memtable({"customer_id": [1], "day": [date(2024, 1, 1)], "period_days": [30.0]})
    >>> spine = ibis.memtable({"customer_id": [1], "as_of": [date(2024, 3, 6)]})
    >>> row = subscriptions(contracts, spine).to_pyarrow().to_pylist()[0]
    >>> row["subscription_tenure"], row["subscription_renewals"], row["days_to_renewal"]
    (65, 2, 25.0)
    """
    started = visible(contracts, spine)
    before = started.group_by(*KEY).aggregate(contracts_begun=started.count().cast("int64"))
    given = running(contracts, spine)
    details = [name for name in ("price", "period_days", "renews_at", "plan") if name in given.columns]
    newest_first = ibis.window(
        group_by=KEY, order_by=[given.days_ago, *(given[name].desc() for name in details)]
    )
    place = given.mutate(place=ibis.row_number().over(newest_first))
    newest = place.filter(place.place == 0)
    columns: dict[str, ir.Value] = {"subscription_tenure": newest.days_ago}
    if "plan" in details:
        columns["subscription_plan"] = newest.plan
    if "price" in details:
        columns["subscription_price"] = newest.price.round(6)
    if "period_days" in details:
        period = newest.period_days.nullif(0.0)
        columns["subscription_renewals"] = (newest.days_ago / period).floor()
        columns["days_to_renewal"] = period - _since_renewal(newest, period)
    known = newest.select(*KEY, **columns).left_join(before, KEY)
    return known.select(*KEY, *columns, subscriptions_before=known.contracts_begun - 1)


def _since_renewal(newest: "ir.Table", period: "ir.FloatingColumn") -> "ir.FloatingColumn":
    """Days since the last renewal, in [0, period)."""
    days_ago = newest.days_ago
    if "renews_at" in newest.columns:
        days_ago = newest.as_of.delta(newest.renews_at.date(), unit="day").fill_null(days_ago)
    periods = (days_ago / period).floor()
    return days_ago - periods * period
