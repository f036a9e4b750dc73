"""The schema of every table that patron reads: `SCHEMAS`."""

from typing import Any

from patron.tables.schema import ColumnSpec, Kind, TableSchema

__all__ = ["SCHEMAS", "schema_of"]


def _column(name: str, kind: Kind, words: str, *, also_called: str = "", **rules: Any) -> ColumnSpec:
    """A column; times are business-local, and other common names are given in one text."""
    if kind == "time":
        rules["unit"] = "date or time, business-local"
    return ColumnSpec(name=name, kind=kind, words=words, also_called=tuple(also_called.split()), **rules)


def _table(name: str, *columns: ColumnSpec, keeps_attributes: bool = False) -> TableSchema:
    return TableSchema(name=name, columns=columns, keeps_attributes=keeps_attributes)


CUSTOMER_ID = _column(
    "customer_id",
    "customer",
    "who: an integer, text or UUID, the same in every table",
    required=True,
    also_called="customer cust_id client_id user_id household_id member_id",
)

TRANSACTIONS = _table(
    "transactions",
    CUSTOMER_ID,
    _column(
        "order_at",
        "time",
        "when it was bought",
        required=True,
        also_called="order_date date ordered_at purchase_date invoice_date transaction_date "
        "transaction_timestamp timestamp datetime",
    ),
    _column(
        "amount",
        "number",
        "what was paid for the line",
        unit="money, currency of the input; negative = refund",
        required=True,
        also_called="total sales_value revenue price spend net_amount value",
    ),
    _column("order_id", "key", "which order the line belongs to"),
    _column("product_id", "key", "what was bought"),
    _column("category", "text", "the kind of product"),
    _column("quantity", "number", "how many", unit="units; negative = returned"),
    _column("discount", "number", "what was taken off the price", unit="money"),
    _column("cost", "number", "what the line cost the business", unit="money"),
    _column("currency", "text", "the currency of the amounts; one in all rows"),
)

ENGAGEMENT = _table(
    "engagement",
    CUSTOMER_ID,
    _column(
        "event_at",
        "time",
        "when it happened",
        required=True,
        also_called="event_date date event_time timestamp datetime",
    ),
    _column(
        "kind",
        "text",
        "what happened, such as visit, email_opened or coupon_redeemed",
        required=True,
        also_called="event event_type type event_kind action",
    ),
    _column("channel", "text", "where it happened, such as web or store"),
    _column("value", "number", "how much of it, such as minutes", unit="as given"),
)

CUSTOMERS = _table(
    "customers",
    CUSTOMER_ID,
    _column("acquired_at", "time", "when the customer was won"),
    _column("channel", "text", "through which channel the customer was won"),
    _column("acquisition_cost", "number", "what it cost to win the customer", unit="money", least=0.0),
    keeps_attributes=True,
)

SUBSCRIPTIONS = _table(
    "subscriptions",
    CUSTOMER_ID,
    _column(
        "started_at",
        "time",
        "when the contract began",
        required=True,
        also_called="start start_date begins_at signed_at registered_at date_registration",
    ),
    _column(
        "ended_at",
        "time",
        "when it ended; empty while it runs",
        not_before="started_at",
        may_lie_ahead=True,
        also_called="end end_date cancelled_at terminated_at date_unregistration",
    ),
    _column("plan", "text", "what was agreed, such as basic or gold"),
    _column("price", "number", "what it costs a period", unit="money", least=0.0),
    _column("period_days", "number", "days from one renewal to the next", least=1.0),
    _column(
        "renews_at",
        "time",
        "a day on which it renews; only its place within the period counts",
        may_lie_ahead=True,
    ),
    _column("cancel_reason", "text", "why it ended"),
)

INTERACTIONS = _table(
    "interactions",
    _column("customer_id", "customer", "with whom; empty where nobody was recognised"),
    _column(
        "occurred_at",
        "time",
        "when it took place",
        required=True,
        also_called="date timestamp interaction_at",
    ),
    _column(
        "touchpoint",
        "text",
        "where the customer met the business, such as call or return",
        required=True,
        also_called="touch_point type activity",
    ),
    _column("channel", "text", "through which channel, such as phone or web"),
    _column("minutes", "number", "working time that it took", unit="minutes", least=0.0),
    _column("units", "number", "how many of it, such as letters", least=0.0),
    _column("outcome", "text", "what came of it"),
)

COSTS = _table(
    "costs",
    _column("month", "time", "the month, by any of its days", required=True, also_called="period date"),
    _column(
        "pool",
        "text",
        "what was paid for, such as call centre",
        required=True,
        also_called="cost_pool cost_centre account",
    ),
    _column(
        "amount",
        "number",
        "what it cost",
        unit="money; negative = credit",
        required=True,
        also_called="cost total",
    ),
    _column(
        "kind",
        "text",
        "whether it is caused by touchpoints or shared",
        required=True,
        one_of=("direct", "indirect"),
    ),
    _column("touchpoint", "text", "the touchpoint that causes it"),
    _column(
        "driver",
        "text",
        "by what a shared cost is allocated",
        one_of=("minutes", "events", "active_customers", "revenue"),
    ),
    _column("currency", "text", "the currency of the amount; one in all rows"),
)

COSTS_TO_SERVE = _table(
    "costs_to_serve",
    CUSTOMER_ID,
    _column(
        "period_end",
        "time",
        "last day of the period, from which on its cost is known",
        required=True,
        not_before="period_start",
        also_called="to until",
    ),
    _column("period_start", "time", "first day of the period", required=True, also_called="from since"),
    _column(
        "retention_cost",
        "number",
        "what serving and keeping the customer cost in the period",
        unit="money; negative = credit",
        required=True,
        also_called="cost amount cost_to_serve",
    ),
)

REFERRALS = _table(
    "referrals",
    _column("referrer_id", "customer", "who brought the other", required=True),
    _column("referred_id", "customer", "who was brought", required=True),
    _column("referred_at", "time", "when", required=True, also_called="date timestamp"),
)

CONTRIBUTIONS = _table(
    "contributions",
    CUSTOMER_ID,
    _column("contributed_at", "time", "when it was given", required=True, also_called="date timestamp"),
    _column(
        "kind",
        "text",
        "what was given, such as review, idea or interview",
        required=True,
        also_called="type contribution",
    ),
    _column("units", "number", "how many of it; 1 where empty", least=0.0),
    _column("unit_value", "number", "what one is worth", unit="money", least=0.0),
)

SURVEYS = _table(
    "surveys",
    CUSTOMER_ID,
    _column("answered_at", "time", "when it was answered", required=True, also_called="date timestamp"),
    _column(
        "kind",
        "text",
        "which question: nps asks for a recommendation, csat for satisfaction",
        required=True,
        one_of=("nps", "csat"),
        also_called="survey question",
    ),
    _column(
        "score",
        "number",
        "the answer",
        unit="nps: 0 to 10; csat: 1 to 5",
        required=True,
        scale_of="kind",
        scales=(("nps", 0.0, 10.0), ("csat", 1.0, 5.0)),
    ),
)

LEADS = _table(
    "leads",
    _column("lead_id", "key", "which lead", required=True, also_called="lead id"),
    _column("created_at", "time", "when it became known", required=True, also_called="date created"),
    _column("source", "text", "where it came from, such as search or fair"),
    _column("cost", "number", "what it cost to get", unit="money", least=0.0),
    _column("customer_id", "customer", "the customer whom it became; empty before"),
    _column("converted_at", "time", "when it became a customer; empty before", not_before="created_at"),
    keeps_attributes=True,
)

LEAD_EVENTS = _table(
    "lead_events",
    _column("lead_id", "key", "which lead", required=True, also_called="lead"),
    _column("event_at", "time", "when it happened", required=True, also_called="date timestamp"),
    _column(
        "kind",
        "text",
        "what happened, such as visit, download or demo_booked",
        required=True,
        also_called="event type",
    ),
)

CONTACTS = _table(
    "contacts",
    CUSTOMER_ID,
    _column(
        "contacted_at",
        "time",
        "when the contact was or would have been made",
        required=True,
        also_called="date sent_at",
    ),
    _column(
        "treated",
        "number",
        "1 where the contact was made, 0 in the control group",
        required=True,
        one_of=(0.0, 1.0),
        also_called="treatment is_treated",
    ),
    _column("campaign", "text", "which campaign"),
    _column("offer", "text", "what was offered"),
    _column("channel", "text", "through which channel"),
    _column("cost", "number", "what the contact cost", unit="money", least=0.0),
    _column("responded", "number", "1 where it was answered", one_of=(0.0, 1.0)),
)

PRODUCTS = _table(
    "products",
    _column("product_id", "key", "which product", required=True),
    _column("name", "text", "what it is called"),
    _column("category", "text", "the kind of product"),
    _column("warranty_days", "number", "warranty from purchase", unit="days", least=1.0),
    _column("life_days", "number", "usual life from purchase", unit="days", least=1.0),
    _column("ends_at", "time", "when it is no longer sold or served", may_lie_ahead=True),
)

SCHEMAS = {
    schema.name: schema
    for schema in (
        TRANSACTIONS,
        ENGAGEMENT,
        CUSTOMERS,
        SUBSCRIPTIONS,
        INTERACTIONS,
        COSTS,
        COSTS_TO_SERVE,
        REFERRALS,
        CONTRIBUTIONS,
        SURVEYS,
        LEADS,
        LEAD_EVENTS,
        CONTACTS,
        PRODUCTS,
    )
}
"""Table → its schema, for every table that patron reads."""


def schema_of(table: str) -> TableSchema:
    """The schema of a table.

    Parameters
    ----------
    table
        its name, such as "transactions" or "costs"

    Examples
    --------
    >>> schema_of("referrals").required
    ('referrer_id', 'referred_id', 'referred_at')
    """
    return SCHEMAS[table]
