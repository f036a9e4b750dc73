"""What a feature family is: one file that finds its features for a business and computes them for a spine.

`discover` looks at what was visible on one day and returns the features that this business can have. `build`
computes them for any spine. :mod:`patron.features.assemble` lists the families and runs through them.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from patron.errors import PatronWarning
from patron.features.catalogue import FeatureCatalogue, FeatureSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = ["WINDOWS", "Discovered", "FeatureFamily", "VisibleBusiness", "warn_without_table", "windowed"]

WINDOWS = (7, 30, 90, 180, 365)
"""Days up to and including as_of in which purchases and events are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleBusiness:
    """A business on the day for which its features are discovered, and the choices of the caller.

    Attributes
    ----------
    history
        the tables of the business; only what `spine` can see of them may decide
    as_of
        the last day known
    spine
        the eligible customers on as_of, customer_id and as_of; computed at the first call
    max_kinds
        how many kinds of engagement get columns of their own
    invitations, responses
        kinds of engagement that response_rate divides; None to recognise them by their words
    """

    history: "History"
    as_of: date
    spine: "Callable[[], ir.Table]"
    max_kinds: int
    invitations: Sequence[str] | None = None
    responses: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """The features of one family that a business can have.

    Attributes
    ----------
    specs
        the features, in the order of their columns
    facts
        fields of :class:`FeatureCatalogue` that `build` needs again, such as the attributes and their types
    """

    specs: tuple[FeatureSpec, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFamily:
    """The features that come from one source.

    Attributes
    ----------
    name
        what the features are about
    discover
        a business on a day → the features that it can have there
    build
        tables, spine and catalogue → customer_id, as_of and columns that include every feature of the
        catalogue for which the tables have data. At most one row per row of the spine; None where the table
        of the family is missing
    computed
        catalogue → every feature that `build` computes under it
    unknown_without_data
        whether a feature is null where its table or column is missing: without a table of events it is not
        known that there was none. Otherwise it then has the value of a customer without any such event
    """

    name: str
    discover: Callable[[VisibleBusiness], Discovered]
    build: "Callable[[History, ir.Table, FeatureCatalogue], ir.Table | None]"
    computed: Callable[[FeatureCatalogue], tuple[FeatureSpec, ...]]
    unknown_without_data: bool = False


def windowed(
    name: str, topic: str, unit: str, template: str, windows: Iterable[int], *, spans: int = 1
) -> tuple[FeatureSpec, ...]:
    """The same number for each of several windows, called `name` and the days of the window.

    Parameters
    ----------
    name, topic, unit, template
        as in :class:`FeatureSpec`; ``{w}`` in the template stands for the days
    windows
        days
    spans
        how many windows in a row the number needs: 2 for a trend

    Examples
    --------
    >>> [spec.name for spec in windowed("orders", "frequency", "order", "{value:order} in {w} days", (7, 30))]
    ['orders_7d', 'orders_30d']
    """
    return tuple(
        FeatureSpec(f"{name}_{w}d", topic, unit, "number", template.replace("{w}", str(w)), spans * w)
        for w in windows
    )


def warn_without_table(table: str) -> None:
    """Warn, from a `build`, that a table of the training is missing.

    Parameters
    ----------
    table
        its name

    Warns
    -----
    PatronWarning
        always
    """
    warnings.warn(
        f"there is no table {table!r}, which the features were built with; they are unknown for every "
        f"customer here. Give --{table} as the training did.",
        PatronWarning,
        stacklevel=4,
    )
