"""What the customers table says of a customer: categories, numbers, the age of the relation, and its cost.

A row of that table counts as known from ``acquired_at`` on, and always where that is not given. Text is a
category. Whole numbers with few values are categories too (a region code is no quantity), other numbers are
numbers, and truth values are the categories "true" and "false".
"""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import ibis

from patron.errors import PatronWarning, TableError, some
from patron.features.catalogue import Attribute, FeatureCatalogue, FeatureSpec
from patron.features.naming import column_names, readable
from patron.snapshots.asof import KEY, visible

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir

__all__ = ["attribute_features", "attributes", "usable_attributes"]

NOT_ATTRIBUTES = ("customer_id", "acquired_at", "acquisition_cost")
FEW_VALUES = 20  # whole numbers with no more values than this are codes
MOST_VALUES = 1000  # a category with more says who somebody is, not what they are like
LARGEST_WHOLE = 2**53  # beyond it a float64 no longer tells neighbouring whole numbers apart

ACQUISITION_COST = FeatureSpec("acquisition_cost", "cost", "money", "number", "cost {value:money} to acquire")
DAYS_SINCE_ACQUIRED = FeatureSpec(
    "days_since_acquired", "tenure", "day", "number", "acquired {value:day} ago",
    when_none=None, words_unknown="day of acquisition unknown",
)  # fmt: skip


def usable_attributes(customers: "ir.Table", spine: "ir.Table") -> tuple[Attribute, ...]:
    """The attributes that can be features, and how each is read.

    Parameters
    ----------
    customers : one row per customer
    spine : one row per customer and as_of; only what was known of them by then decides

    Returns
    -------
    Attributes in the order of the table's columns.

    Warns
    -----
    PatronWarning : an attribute is left out: a category with more than 1000 values, no value at all, or a
        type that is neither text nor number

    Examples
    --------
    >>> from datetime import date
    >>> customers = ibis.memtable({"customer_id": [1, 2], "town": ["Yazd", "Qom"], "floor": [1, 2],
    ...                            "debt": [1.5, 2.5]})
    >>> spine = ibis.memtable({"customer_id": [1, 2], "as_of": [date(2024, 1, 31)] * 2})
    >>> [(attribute.column, attribute.reading) for attribute in usable_attributes(customers, spine)]
    [('town', 'text'), ('floor', 'whole'), ('debt', 'number')]
    """
    columns = [column for column in customers.columns if column not in NOT_ATTRIBUTES]
    names = column_names(columns)
    features = {f"attribute_{names[column]}": customers[column] for column in columns}
    types = {feature: column.type() for feature, column in features.items()}
    plain = [feature for feature in features if _is_text(types[feature]) or types[feature].is_numeric()]
    values, wholes = _count_values(_known(customers, features, spine), plain)
    usable = []
    for column, feature in zip(columns, features, strict=True):
        if feature not in plain:
            _leave_out(column, f"a column of type {types[feature]} is neither text nor number")
        elif values[feature] == 0:
            _leave_out(column, "it has no value for any customer")
        elif _is_text(types[feature]) and values[feature] > MOST_VALUES:
            _leave_out(
                column,
                f"{values[feature]} different values are too many for a category (at most {MOST_VALUES})",
            )
        else:
            usable.append(
                Attribute(column, feature, _reading(types[feature], values[feature], wholes[feature]))
            )
    return tuple(usable)


def _is_text(type_: "dt.DataType") -> bool:
    return bool(type_.is_string() or type_.is_boolean() or type_.is_uuid() or type_.is_enum())


def _count_values(known: "ir.Table", features: list[str]) -> tuple[dict[str, int], dict[str, bool]]:
    """For each feature, how many different values it has, and whether all of them are whole numbers."""
    if not features:
        return {}, {}
    facts = known.aggregate(
        **{f"values_{feature}": _finite(known[feature]).nunique() for feature in features},
        **{f"whole_{feature}": _is_whole(known[feature]) for feature in features},
    )
    found = facts.to_pyarrow().to_pylist()[0]
    return (
        {feature: found[f"values_{feature}"] for feature in features},
        {feature: bool(found[f"whole_{feature}"]) for feature in features},
    )


def _finite(column: "ir.Column") -> "ir.Column":
    """The column with NaN and infinity as null."""
    if not column.type().is_floating():
        return column
    return (column.isnan() | column.isinf()).ifelse(ibis.null(column.type()), column)


def _is_whole(column: "ir.Column") -> "ir.BooleanScalar":
    if not column.type().is_numeric():
        return ibis.literal(False)
    number = _finite(column.cast("float64"))
    return ((number.floor() == number) & (number.abs() < LARGEST_WHOLE)).all()


def _reading(type_: "dt.DataType", values: int, whole: bool) -> Literal["text", "whole", "number"]:
    if _is_text(type_):
        return "text"
    return "whole" if whole and values <= FEW_VALUES else "number"


def _leave_out(column: str, fault: str) -> None:
    warnings.warn(f"customers.{column} is left out of the features: {fault}.", PatronWarning, stacklevel=4)


def attribute_features(usable: Iterable[Attribute], *, acquired_at: bool) -> tuple[FeatureSpec, ...]:
    """The features of the customers table: cost to acquire, days since acquired if known, the attributes."""
    described = tuple(
        FeatureSpec(
            attribute.feature, "attributes", attribute.column,
            "number" if attribute.reading == "number" else "category",
            f"{_said(attribute)} is {{value{':,.6g' if attribute.reading == 'number' else ''}}}",
            when_none=None, words_unknown=f"{_said(attribute)} unknown",
        )
        for attribute in usable
    )  # fmt: skip
    return (ACQUISITION_COST, *([DAYS_SINCE_ACQUIRED] if acquired_at else []), *described)


def _said(attribute: Attribute) -> str:
    return readable(attribute.column)


def attributes(customers: "ir.Table", spine: "ir.Table", catalogue: FeatureCatalogue) -> "ir.Table":
    """What the customers table said on as_of. Rows: those of `spine` whose customer it knew by then.

    Parameters
    ----------
    customers : one row per customer
    spine : one row per customer and as_of
    catalogue : says which attributes are features, and how each is read

    Returns
    -------
    customer_id, as_of, and every feature of the catalogue that the table has a column for: categories as
    text, numbers as float64, days_since_acquired in days, acquisition_cost as money.

    Warns
    -----
    PatronWarning : the table lacks columns of the catalogue

    Raises
    ------
    TableError : a column that was a number at training is none now

    Examples
    --------
    >>> from datetime import date
    >>> customers = ibis.memtable({"customer_id": [1, 2], "town": ["Yazd", "Qom"]})
    >>> spine = ibis.memtable({"customer_id": [2], "as_of": [date(2024, 1, 31)]})
    >>> usable = usable_attributes(customers, spine)
    >>> catalogue = FeatureCatalogue(attribute_features(usable, acquired_at=False), attributes=usable)
    >>> attributes(customers, spine, catalogue).attribute_town.to_pyarrow().to_pylist()
    ['Qom']
    """
    _warn_of_missing(customers, catalogue)
    features = {
        attribute.feature: _read(customers[attribute.column], attribute)
        for attribute in catalogue.attributes
        if attribute.column in customers.columns
    }
    if "acquisition_cost" in customers.columns:
        features["acquisition_cost"] = customers.acquisition_cost.cast("float64").round(6)
    return _known(customers, features, spine)


def _known(customers: "ir.Table", features: dict[str, "ir.Column"], spine: "ir.Table") -> "ir.Table":
    """These columns of the customers known on as_of, and days since acquired if that is given."""
    if "acquired_at" not in customers.columns:
        return spine.inner_join(customers.select("customer_id", **features), "customer_id")
    dated = customers.select("customer_id", day=customers.acquired_at.cast("date"), **features)
    undated = dated.filter(dated.day.isnull()).select("customer_id", *features)
    since = visible(dated, spine)
    since = since.select(*KEY, *features, days_since_acquired=since.days_ago)
    always = spine.inner_join(undated, "customer_id")
    always = always.select(*KEY, *features, days_since_acquired=ibis.null("int64"))
    return ibis.union(since, always)


def _warn_of_missing(customers: "ir.Table", catalogue: FeatureCatalogue) -> None:
    needed = [attribute.column for attribute in catalogue.attributes]
    if DAYS_SINCE_ACQUIRED.name in catalogue:
        needed.append("acquired_at")
    missing = [column for column in needed if column not in customers.columns]
    if missing:
        warnings.warn(
            f"table 'customers' lacks {some(missing)}, which the features were built with; they are unknown "
            "for every customer here. Give the columns that the training had.",
            PatronWarning,
            stacklevel=4,
        )


def _read(column: "ir.Column", attribute: Attribute) -> "ir.Column":
    if attribute.reading == "text":
        return column.cast("string")
    if not (column.type().is_numeric() or column.type().is_null()):
        if attribute.reading == "whole":
            return column.cast("string")
        raise TableError(
            f"customers.{attribute.column} held numbers when the features were built, and is {column.type()} "
            "now. Give it as numbers, or train again."
        )
    number = _finite(column.cast("float64"))
    if attribute.reading == "number":
        return number
    return (number.abs() < LARGEST_WHOLE).ifelse(
        number.floor().cast("int64").cast("string"), ibis.null("string")
    )
