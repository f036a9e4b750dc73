"""The list of features: name, unit, window, and how each is rendered in reason texts.

A catalogue is discovered once, from what was visible at training time, and travels with the model as JSON.
It fixes the columns: a kind of engagement that has vanished since counts 0, a new kind waits for the next
training. No engine is imported here, so a served model can read its catalogue with pandas alone.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from patron.errors import InputError
from patron.features.templates import fill

__all__ = ["Attribute", "EngagementKind", "FeatureCatalogue", "FeatureSpec"]


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One feature: its column, its unit, and how it is rendered in reason texts.

    Attributes
    ----------
    name
        the column
    topic
        what it is about, such as "recency" or "spend"; reasons are grouped by topic
    unit
        what a value of 1 means, such as "day", "order", "money" or "ratio"
    dtype
        "number" (float64) or "category" (text)
    template
        text of the feature, see :mod:`patron.features.templates`; ``{value}`` is this feature, other figures
        by their names
    window_days
        how many days up to and including as_of it looks at; None for all of them
    when_none
        the value of a customer without any such event; None means unknown, and stays null
    text_unknown
        text where the value is null

    Examples
    --------
    >>> spec = FeatureSpec("days_since_last", "recency", "day", "number",
    ...                    "last order {value:day} ago[, usually every {gap_median:day}]")
    >>> spec.describe({"days_since_last": 63.0, "gap_median": 21.0})
    'last order 63 days ago, usually every 21 days'
    >>> spec.describe({"days_since_last": None})
    'days since last unknown'
    """

    name: str
    topic: str
    unit: str
    dtype: Literal["number", "category"]
    template: str
    window_days: int | None = None
    when_none: float | None = 0.0
    text_unknown: str = ""

    def describe(self, row: Mapping[str, Any]) -> str:
        """The feature of one customer as text, with the customer's own figures.

        Parameters
        ----------
        row
            feature name → value, for one customer; whatever is missing is taken as unknown

        Returns
        -------
        str
            One line of text. Never fails for want of a figure.
        """
        label = self.name.replace("_", " ")
        value = row.get(self.name)
        if pd.isna(value):
            return self.text_unknown or f"{label} unknown"
        return fill(self.template, dict(row) | {"value": value}) or f"{label} {value}"


@dataclass(frozen=True, slots=True)
class EngagementKind:
    """One kind or channel of engagement: as the data writes it, and as columns are named after it.

    Attributes
    ----------
    kind
        the kind or channel, as the data writes it
    name
        the part of a column name that stands for it

    Examples
    --------
    >>> EngagementKind("Coupon redeemed", "coupon_redeemed").name
    'coupon_redeemed'
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the customers table, and the feature made of it.

    Attributes
    ----------
    column
        its name in the customers table
    feature
        the name of the feature
    value_type
        "text" (a category as it stands), "whole" (a category of whole numbers: 3 and 3.0 are one) or "number"

    Examples
    --------
    >>> Attribute("Home town", "attribute_home_town", "text").value_type
    'text'
    """

    column: str
    feature: str
    value_type: Literal["text", "whole", "number"]


@dataclass(frozen=True)
class FeatureCatalogue:
    """All features of a model, in the order of its columns.

    Attributes
    ----------
    specs
        one for each feature; names are unique without regard to case
    engagement_kinds
        the kinds that have columns of their own, most common first
    invitations, responses
        kinds, as the data writes them, that response_rate divides
    attributes
        columns of the customers table that are features
    engagement_channels
        the channels that have columns of their own, most common first
    seen_kinds
        every kind of engagement seen in training, up to a hundred
    activity
        the activity whose end is churn: "purchases", "engagement" or "subscriptions"; None if not stated
    churn_window
        how long an inactivity counts as churn: "fixed" or "adaptive"
    churn_segment
        column of the customers whose segments share an adaptive window; None for one segment
    has_money
        whether amounts are money; without transactions they count active days

    Raises
    ------
    InputError
        two features share a name

    Examples
    --------
    >>> orders = FeatureSpec("orders_30d", "frequency", "order", "number", "{value:order} in 30 days", 30)
    >>> town = FeatureSpec("attribute_town", "attributes", "category", "category", "town is {value}")
    >>> catalogue = FeatureCatalogue((orders, town))
    >>> catalogue.names, catalogue.numbers, catalogue.categories
    (('orders_30d', 'attribute_town'), ('orders_30d',), ('attribute_town',))
    >>> catalogue["orders_30d"].describe({"orders_30d": 1.0})
    '1 order in 30 days'
    >>> FeatureCatalogue.from_dict(catalogue.to_dict()) == catalogue
    True
    """

    specs: tuple[FeatureSpec, ...]
    engagement_kinds: tuple[EngagementKind, ...] = ()
    invitations: tuple[str, ...] = ()
    responses: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    engagement_channels: tuple[EngagementKind, ...] = ()
    seen_kinds: tuple[str, ...] = ()
    activity: Literal["purchases", "engagement", "subscriptions"] | None = None
    churn_window: Literal["fixed", "adaptive"] = "fixed"
    churn_segment: str | None = None
    has_money: bool = True

    def __post_init__(self) -> None:
        uses = Counter(spec.name.casefold() for spec in self.specs)
        twice = [name for name in self.names if uses[name.casefold()] > 1]
        if twice:
            raise InputError(
                f"FeatureCatalogue.specs: {twice} share a name; column names must differ beyond their case."
            )

    def __getitem__(self, name: str) -> FeatureSpec:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self.specs)

    @property
    def churn(self) -> str:
        """The event that the model calls churn, as text that follows "probability of"."""
        ends = {"engagement": "no event", "subscriptions": "the end of the contract"}
        return ends.get(self.activity or "", "no purchase")

    @property
    def names(self) -> tuple[str, ...]:
        """Every feature, in the order of the columns."""
        return tuple(spec.name for spec in self.specs)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The features that are float64, in the order of the columns."""
        return tuple(spec.name for spec in self.specs if spec.dtype == "number")

    @property
    def categories(self) -> tuple[str, ...]:
        """The features that are text, in the order of the columns."""
        return tuple(spec.name for spec in self.specs if spec.dtype == "category")

    @property
    def topics(self) -> dict[str, tuple[str, ...]]:
        """Topic → its features, both in the order of the columns."""
        topics: dict[str, tuple[str, ...]] = {}
        for spec in self.specs:
            topics[spec.topic] = (*topics.get(spec.topic, ()), spec.name)
        return topics

    def to_dict(self) -> dict[str, Any]:
        """The catalogue as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "FeatureCatalogue":
        """The catalogue that :meth:`to_dict` wrote.

        Parameters
        ----------
        stored
            what :meth:`to_dict` returned
        """
        return cls(**{name: _restored(name, value) for name, value in stored.items()})

    @cached_property
    def _by_name(self) -> dict[str, FeatureSpec]:
        return {spec.name: spec for spec in self.specs}


_PARTS = {
    "specs": FeatureSpec,
    "engagement_kinds": EngagementKind,
    "engagement_channels": EngagementKind,
    "attributes": Attribute,
}


def _restored(name: str, value: Any) -> Any:
    """A field of the catalogue from its JSON value."""
    if name in _PARTS:
        return tuple(_PARTS[name](**part) for part in value)
    return tuple(value) if isinstance(value, list | tuple) else value
