"""What the customers table says of a customer: categories, numbers, the age of the relation, and its cost.

A row of that table counts as known from ``acquired_at`` on, and always where that is not given. Text is a
category. Whole numbers with few values are categories too (a region code is no quantity), other numbers are
numbers, and truth values are the categories "true" and "false".
"""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from patron.errors import PatronWarning, TableError, some
from patron.features.catalogue import Attribute, FeatureCatalogue, FeatureSpec
from patron.features.naming import column_names, readable
from patron.features.readings import choose_readings, read_values, unreadable
from patron.snapshots.asof import known_customers

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["attribute_features", "attributes", "usable_attributes"]

NOT_ATTRIBUTES = ("customer_id", "acquired_at", "acquisition_cost")

ACQUISITION_COST = FeatureSpec("acquisition_cost", "cost", "money", "number", "cost {value:money} to acquire")
DAYS_SINCE_ACQUIRED = FeatureSpec(
    "days_since_acquired", "tenure", "day", "number", "acquired {value:day} ago",
    when_none=None, words_unknown="day of acquisition unknown",
)  # fmt: skip


def usable_attributes(customers: "ir.Table", spine: "ir.Table") -> tuple[Attribute, ...]:
    """The attributes that can be features, and how each is read.

    Parameters
    ----------
    customers
        one row per customer
    spine
        one row per customer and as_of; only what was known of them by then decides

    Returns
    -------
    tuple[Attribute, ...]
        Attributes in the order of the table's columns.

    Warns
    -----
    PatronWarning
        an attribute is left out: a category with more than 1000 values, no value at all, or a
        type that is neither text nor number

    Examples
    --------
    >>> from datetime import date
    >>> import ibis
    >>> customers = ibis.memtable({"customer_id": [1, 2], "town": ["Yazd", "Qom"], "floor": [1, 2],
    ...                            "debt": [1.5, 2.5]})
    >>> spine = ibis.memtable({"customer_id": [1, 2], "as_of": [date(2024, 1, 31)] * 2})
    >>> [(attribute.column, attribute.reading) for attribute in usable_attributes(customers, spine)]
    [('town', 'text'), ('floor', 'whole'), ('debt', 'number')]
    """
    columns = [column for column in customers.columns if column not in NOT_ATTRIBUTES]
    names = {column: f"attribute_{name}" for column, name in column_names(columns).items()}
    known = known_customers(customers, {names[column]: customers[column] for column in columns}, spine)
    readings, faults = choose_readings(known.select(*names.values())) if columns else ({}, {})
    for column, name in names.items():
        if name in faults:
            _warn(f"customers.{column} is left out of the features: {faults[name]}.")
    return tuple(
        Attribute(column, name, readings[name]) for column, name in names.items() if name in readings
    )


def attribute_features(usable: Iterable[Attribute], *, acquired_at: bool) -> tuple[FeatureSpec, ...]:
    """The features of the customers table: cost to acquire, days since acquired if known, the attributes.

    Examples
    --------
    >>> town = Attribute("Home town", "attribute_home_town", "text")
    >>> attribute_features([town], acquired_at=False)[-1].say({"attribute_home_town": "Yazd"})
    'Home town is Yazd'
    """
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
    customers
        one row per customer
    spine
        one row per customer and as_of
    catalogue
        says which attributes are features, and how each is read

    Returns
    -------
    ir.Table
        customer_id, as_of, and every feature of the catalogue that the table has a column for: categories as
        text, numbers as float64, days_since_acquired in days, acquisition_cost as money.

    Warns
    -----
    PatronWarning
        the table lacks columns of the catalogue

    Raises
    ------
    TableError
        a column that was a number at training is none now

    Examples
    --------
    >>> from datetime import date
    >>> import ibis
    >>> customers = ibis.memtable({"customer_id": [1, 2], "town": ["Yazd", "Qom"]})
    >>> spine = ibis.memtable({"customer_id": [2], "as_of": [date(2024, 1, 31)]})
    >>> usable = usable_attributes(customers, spine)
    >>> catalogue = FeatureCatalogue(attribute_features(usable, acquired_at=False), attributes=usable)
    >>> attributes(customers, spine, catalogue).attribute_town.to_pyarrow().to_pylist()
    ['Qom']
    """
    _check(customers, catalogue)
    features = {
        attribute.feature: read_values(customers[attribute.column], attribute.reading)
        for attribute in catalogue.attributes
        if attribute.column in customers.columns
    }
    if "acquisition_cost" in customers.columns:
        features["acquisition_cost"] = customers.acquisition_cost.cast("float64").round(6)
    return known_customers(customers, features, spine)


def _check(customers: "ir.Table", catalogue: FeatureCatalogue) -> None:
    """Say what the customers table lacks, and what it holds that can no longer be read as a number."""
    needed = [attribute.column for attribute in catalogue.attributes]
    if DAYS_SINCE_ACQUIRED.name in catalogue:
        needed.append("acquired_at")
    missing = [column for column in needed if column not in customers.columns]
    if missing:
        _warn(
            f"table 'customers' lacks {some(missing)}, which the features were built with; they are unknown "
            "for every customer here. Give the columns that the training had."
        )
    texts = [
        attribute.column
        for attribute in catalogue.attributes
        if attribute.reading != "text" and attribute.column not in missing
        if not customers[attribute.column].type().is_numeric()
    ]
    for column, (values, odd) in _count_unreadable(customers, texts).items():
        if odd and odd == values:
            raise TableError(
                f"customers.{column} held numbers when the features were built, and none of its {values} "
                "values is a number now. Give it as numbers, or train again."
            )
        if odd:
            _warn(f"{odd} of {values} values of customers.{column} are not numbers; they are unknown here.")


def _count_unreadable(customers: "ir.Table", columns: list[str]) -> dict[str, tuple[int, int]]:
    """For each column, how many values it has, and how many of them are no numbers."""
    if not columns:
        return {}
    values = {f"values_{place}": customers[column].count() for place, column in enumerate(columns)}
    odd = {f"odd_{place}": unreadable(customers[column]) for place, column in enumerate(columns)}
    found = customers.aggregate(**values, **odd).to_pyarrow().to_pylist()[0]
    return {
        column: (found[f"values_{place}"], found[f"odd_{place}"] or 0) for place, column in enumerate(columns)
    }


def _warn(sentence: str) -> None:
    warnings.warn(sentence, PatronWarning, stacklevel=4)
