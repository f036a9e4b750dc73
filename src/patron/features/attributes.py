"""Features of the customers table: categories, numbers, days since acquisition, and acquisition cost.

A row of that table is known from ``acquired_at`` on, and always where that is not given. Text is a
category. Whole numbers with few values are categories too (a region code is no quantity), other numbers are
numbers, and truth values are the categories "true" and "false".
"""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from patron.errors import PatronWarning, TableError, some
from patron.features.catalogue import Attribute, FeatureCatalogue, FeatureSpec
from patron.features.family import Discovered, FeatureFamily, VisibleBusiness, warn_without_table
from patron.features.naming import column_names, readable
from patron.features.type_inference import as_type, count_non_numbers, infer_types
from patron.snapshots.asof import known_customers

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = ["ATTRIBUTES", "attribute_features", "attributes", "usable_attributes"]

NOT_ATTRIBUTES = ("customer_id", "acquired_at", "acquisition_cost")

ACQUISITION_COST = FeatureSpec("acquisition_cost", "cost", "money", "number", "cost {value:money} to acquire")
DAYS_SINCE_ACQUIRED = FeatureSpec(
    "days_since_acquired", "tenure", "day", "number", "acquired {value:day} ago",
    when_none=None, text_unknown="day of acquisition unknown",
)  # fmt: skip


def discover(business: VisibleBusiness) -> Discovered:
    """Cost to acquire, and of the customers table what it has: days since acquired, usable attributes."""
    customers = business.history.customers
    if customers is None:
        return Discovered(specs=attribute_features((), acquired_at=False))
    usable = usable_attributes(customers, business.spine())
    specs = attribute_features(usable, acquired_at="acquired_at" in customers.columns)
    return Discovered(specs=specs, facts={"attributes": usable})


def build(history: "History", spine: "ir.Table", catalogue: FeatureCatalogue) -> "ir.Table | None":
    """The customers table as known on as_of. Rows: those of `spine` whose customer it knew by then."""
    if history.customers is None:
        if catalogue.attributes:
            warn_without_table("customers")
        return None
    return attributes(history.customers, spine, catalogue)


ATTRIBUTES = FeatureFamily(
    name="attributes",
    discover=discover,
    build=build,
    computed=lambda catalogue: attribute_features(catalogue.attributes, acquired_at=True),
)


def usable_attributes(customers: "ir.Table", spine: "ir.Table") -> tuple[Attribute, ...]:
    """The attributes that can be features, and the type of each.

    Parameters
    ----------
    customers
        one row per customer
    spine
        one row per customer and as_of; only what was known by then decides

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
    >>> [(attribute.column, attribute.value_type) for attribute in usable_attributes(customers, spine)]
    [('town', 'text'), ('floor', 'whole'), ('debt', 'number')]
    """
    columns = [column for column in customers.columns if column not in NOT_ATTRIBUTES]
    names = {column: f"attribute_{name}" for column, name in column_names(columns).items()}
    known = known_customers(customers, {names[column]: customers[column] for column in columns}, spine)
    types, faults = infer_types(known.select(*names.values())) if columns else ({}, {})
    for column, name in names.items():
        if name in faults:
            _warn(f"customers.{column} is left out of the features: {faults[name]}.")
    return tuple(Attribute(column, name, types[name]) for column, name in names.items() if name in types)


def attribute_features(usable: Iterable[Attribute], *, acquired_at: bool) -> tuple[FeatureSpec, ...]:
    """The features of the customers table: cost to acquire, days since acquired, the attributes.

    Parameters
    ----------
    usable
        the attributes that are features
    acquired_at
        whether the table has that column, so that days since acquired are known

    Examples
    --------
    >>> town = Attribute("Home town", "attribute_home_town", "text")
    >>> attribute_features([town], acquired_at=False)[-1].describe({"attribute_home_town": "Yazd"})
    'Home town is Yazd'
    """
    described = tuple(
        FeatureSpec(
            attribute.feature, "attributes", attribute.column,
            "number" if attribute.value_type == "number" else "category",
            f"{readable(attribute.column)} is {{value{':,.6g' if attribute.value_type == 'number' else ''}}}",
            when_none=None, text_unknown=f"{readable(attribute.column)} unknown",
        )
        for attribute in usable
    )  # fmt: skip
    return (ACQUISITION_COST, *([DAYS_SINCE_ACQUIRED] if acquired_at else []), *described)


def attributes(customers: "ir.Table", spine: "ir.Table", catalogue: FeatureCatalogue) -> "ir.Table":
    """The customers table as known on as_of. Rows: those of `spine` whose customer it knew by then.

    Parameters
    ----------
    customers
        one row per customer
    spine
        one row per customer and as_of
    catalogue
        which attributes are features, and the type of each

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
        a column that was a number at training has no number now

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
        attribute.feature: as_type(customers[attribute.column], attribute.value_type)
        for attribute in catalogue.attributes
        if attribute.column in customers.columns
    }
    if "acquisition_cost" in customers.columns:
        features["acquisition_cost"] = customers.acquisition_cost.cast("float64").round(6)
    return known_customers(customers, features, spine)


def _check(customers: "ir.Table", catalogue: FeatureCatalogue) -> None:
    """Warn of missing columns and of values that are no longer numbers."""
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
        if attribute.value_type != "text" and attribute.column not in missing
        if not customers[attribute.column].type().is_numeric()
    ]
    for column, (values, odd) in _count_odd(customers, texts).items():
        if odd and odd == values:
            raise TableError(
                f"customers.{column} held numbers when the features were built, and none of its {values} "
                "values is a number now. Give it as numbers, or train again."
            )
        if odd:
            _warn(f"{odd} of {values} values of customers.{column} are not numbers; they are unknown here.")


def _count_odd(customers: "ir.Table", columns: list[str]) -> dict[str, tuple[int, int]]:
    """For each column, how many values it has, and how many of them are not numbers."""
    if not columns:
        return {}
    values = {f"values_{place}": customers[column].count() for place, column in enumerate(columns)}
    odd = {f"odd_{place}": count_non_numbers(customers[column]) for place, column in enumerate(columns)}
    found = customers.aggregate(**values, **odd).to_pyarrow().to_pylist()[0]
    return {
        column: (found[f"values_{place}"], found[f"odd_{place}"] or 0) for place, column in enumerate(columns)
    }


def _warn(sentence: str) -> None:
    warnings.warn(sentence, PatronWarning, stacklevel=4)
