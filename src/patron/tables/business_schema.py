"""Schemas of the other tables: costs, interactions, referrals, surveys, leads, contacts and so on.

Transactions, engagement, customers and subscriptions are in `schema.py`.
"""

from patron.tables.schema import (
    CUSTOMER_ID,
    CUSTOMERS,
    ENGAGEMENT,
    SUBSCRIPTIONS,
    TRANSACTIONS,
    ColumnSpec,
    TableSchema,
)

__all__ = [
    "CONTACTS",
    "CONTRIBUTIONS",
    "COSTS",
    "COSTS_TO_SERVE",
    "INTERACTIONS",
    "LEADS",
    "LEAD_EVENTS",
    "PRODUCTS",
    "REFERRALS",
    "SCHEMAS",
    "SURVEYS",
    "schema_of",
]


def _when(name: str, words: str, *also_called: str) -> ColumnSpec:
    return ColumnSpec(
        name=name,
        kind="time",
        words=words,
        unit="date or time, business-local",
        required=True,
        also_called=also_called,
    )


INTERACTIONS = TableSchema(
    name="interactions",
    columns=(
        ColumnSpec(name="customer_id", kind="customer", words="with whom; empty where nobody was recognised"),
        _when("occurred_at", "when it took place", "date", "timestamp", "interaction_at"),
        ColumnSpec(
            name="touchpoint",
            kind="text",
            words="where the customer met the business, such as call or return",
            required=True,
            also_called=("touch_point", "type", "activity"),
        ),
        ColumnSpec(name="channel", kind="text", words="through which channel, such as phone or web"),
        ColumnSpec(
            name="minutes", kind="number", words="working time that it took", unit="minutes", least=0.0
        ),
        ColumnSpec(name="units", kind="number", words="how many of it, such as letters", least=0.0),
        ColumnSpec(name="outcome", kind="text", words="what came of it"),
    ),
)

COSTS = TableSchema(
    name="costs",
    columns=(
        _when("month", "the month, by any of its days", "period", "date"),
        ColumnSpec(
            name="pool",
            kind="text",
            words="what was paid for, such as call centre",
            required=True,
            also_called=("cost_pool", "cost_centre", "account"),
        ),
        ColumnSpec(
            name="amount",
            kind="number",
            words="what it cost",
            unit="money; negative = credit",
            required=True,
            also_called=("cost", "total"),
        ),
        ColumnSpec(
            name="kind",
            kind="text",
            words="whether it is caused by touchpoints or shared",
            required=True,
            one_of=("direct", "indirect"),
        ),
        ColumnSpec(name="touchpoint", kind="text", words="the touchpoint that causes it"),
        ColumnSpec(
            name="driver",
            kind="text",
            words="by what a shared cost is allocated",
            one_of=("minutes", "events", "active_customers", "revenue"),
        ),
        ColumnSpec(name="currency", kind="text", words="the currency of the amount; one in all rows"),
    ),
)

COSTS_TO_SERVE = TableSchema(
    name="costs_to_serve",
    columns=(
        CUSTOMER_ID,
        ColumnSpec(
            name="period_end",
            kind="time",
            words="last day of the period, from which on its cost is known",
            unit="date or time, business-local",
            required=True,
            not_before="period_start",
            also_called=("to", "until"),
        ),
        _when("period_start", "first day of the period", "from", "since"),
        ColumnSpec(
            name="retention_cost",
            kind="number",
            words="what serving and keeping the customer cost in the period",
            unit="money; negative = credit",
            required=True,
            also_called=("cost", "amount", "cost_to_serve"),
        ),
    ),
)

REFERRALS = TableSchema(
    name="referrals",
    columns=(
        ColumnSpec(name="referrer_id", kind="customer", words="who brought the other", required=True),
        ColumnSpec(name="referred_id", kind="customer", words="who was brought", required=True),
        _when("referred_at", "when", "date", "timestamp"),
    ),
)

CONTRIBUTIONS = TableSchema(
    name="contributions",
    columns=(
        CUSTOMER_ID,
        _when("contributed_at", "when it was given", "date", "timestamp"),
        ColumnSpec(
            name="kind",
            kind="text",
            words="what was given, such as review, idea or interview",
            required=True,
            also_called=("type", "contribution"),
        ),
        ColumnSpec(name="units", kind="number", words="how many of it; 1 where empty", least=0.0),
        ColumnSpec(name="unit_value", kind="number", words="what one is worth", unit="money", least=0.0),
    ),
)

SURVEYS = TableSchema(
    name="surveys",
    columns=(
        CUSTOMER_ID,
        _when("answered_at", "when it was answered", "date", "timestamp"),
        ColumnSpec(
            name="kind",
            kind="text",
            words="which question: nps asks for a recommendation, csat for satisfaction",
            required=True,
            one_of=("nps", "csat"),
            also_called=("survey", "question"),
        ),
        ColumnSpec(
            name="score",
            kind="number",
            words="the answer",
            unit="nps: 0 to 10; csat: 1 to 5",
            required=True,
            scale_of="kind",
            scales=(("nps", 0.0, 10.0), ("csat", 1.0, 5.0)),
        ),
    ),
)

LEADS = TableSchema(
    name="leads",
    columns=(
        ColumnSpec(name="lead_id", kind="key", words="which lead", required=True, also_called=("lead", "id")),
        _when("created_at", "when it became known", "date", "created"),
        ColumnSpec(name="source", kind="text", words="where it came from, such as search or fair"),
        ColumnSpec(name="cost", kind="number", words="what it cost to get", unit="money", least=0.0),
        ColumnSpec(name="customer_id", kind="customer", words="the customer whom it became; empty before"),
        ColumnSpec(
            name="converted_at",
            kind="time",
            words="when it became a customer; empty before",
            unit="date or time, business-local",
            not_before="created_at",
        ),
    ),
    keeps_attributes=True,
)

LEAD_EVENTS = TableSchema(
    name="lead_events",
    columns=(
        ColumnSpec(name="lead_id", kind="key", words="which lead", required=True, also_called=("lead",)),
        _when("event_at", "when it happened", "date", "timestamp"),
        ColumnSpec(
            name="kind",
            kind="text",
            words="what happened, such as visit, download or demo_booked",
            required=True,
            also_called=("event", "type"),
        ),
    ),
)

CONTACTS = TableSchema(
    name="contacts",
    columns=(
        CUSTOMER_ID,
        _when("contacted_at", "when the contact was or would have been made", "date", "sent_at"),
        ColumnSpec(
            name="treated",
            kind="number",
            words="1 where the contact was made, 0 in the control group",
            required=True,
            one_of=(0.0, 1.0),
            also_called=("treatment", "is_treated"),
        ),
        ColumnSpec(name="campaign", kind="text", words="which campaign"),
        ColumnSpec(name="offer", kind="text", words="what was offered"),
        ColumnSpec(name="channel", kind="text", words="through which channel"),
        ColumnSpec(name="cost", kind="number", words="what the contact cost", unit="money", least=0.0),
        ColumnSpec(name="responded", kind="number", words="1 where it was answered", one_of=(0.0, 1.0)),
    ),
)

PRODUCTS = TableSchema(
    name="products",
    columns=(
        ColumnSpec(name="product_id", kind="key", words="which product", required=True),
        ColumnSpec(name="name", kind="text", words="what it is called"),
        ColumnSpec(name="category", kind="text", words="the kind of product"),
        ColumnSpec(
            name="warranty_days", kind="number", words="warranty from purchase", unit="days", least=1.0
        ),
        ColumnSpec(name="life_days", kind="number", words="usual life from purchase", unit="days", least=1.0),
        ColumnSpec(
            name="ends_at",
            kind="time",
            words="when it is no longer sold or served",
            unit="date or time, business-local",
            may_lie_ahead=True,
        ),
    ),
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
