"""Templates that render a feature as text for a reason, filled with the customer's own figures.

A template is text with figures in braces. A part in square brackets appears only if every figure in it is
known, so one template serves customers with and without a usual gap::

    last order {value:day} ago[, usually every {gap_median:day}]

A format follows the colon: any of Python's (``.0f``), ``money``, ``percent``, ``change``, or a noun in the
singular, which is counted: ``{value:day}`` becomes "1 day" or "63 days".
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from string import Formatter
from typing import Any

import pandas as pd

__all__ = ["fill"]

Piece = tuple[str, str | None, str]  # literal text, then a figure's name (None at the end) and its format
OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
NOUN = re.compile(r"[a-z]{3,}( [a-z]+)*")


def fill(template: str, figures: Mapping[str, Any]) -> str | None:
    """The filled template, or None where a figure outside the square brackets is unknown.

    Parameters
    ----------
    template
        text with ``{figure:format}`` and ``[optional parts]``
    figures
        name → number or text; missing names, None and NaN are unknown

    Returns
    -------
    str | None
        One line of text, or None.

    Examples
    --------
    >>> template = "last order {days_since_last:day} ago[, usually every {gap_median:day}]"
    >>> fill(template, {"days_since_last": 63.0, "gap_median": 21.0})
    'last order 63 days ago, usually every 21 days'
    >>> fill(template, {"days_since_last": 1.0, "gap_median": None})
    'last order 1 day ago'
    >>> fill(template, {"gap_median": 21.0}) is None
    True
    """
    sentence = ""
    for optional, pieces in _parsed(template):
        filled = _filled(pieces, figures)
        if filled is None and not optional:
            return None
        sentence += filled or ""
    return sentence


@lru_cache(maxsize=4096)
def _parsed(template: str) -> tuple[tuple[bool, tuple[Piece, ...]], ...]:
    """The parts of a template in order, each with whether it is optional."""
    parts = OPTIONAL.split(template)  # required and optional parts alternate
    return tuple((place % 2 == 1, _pieces(part)) for place, part in enumerate(parts) if part)


def _pieces(part: str) -> tuple[Piece, ...]:
    return tuple((text, figure, form or "") for text, figure, form, _ in Formatter().parse(part))


def _filled(pieces: tuple[Piece, ...], figures: Mapping[str, Any]) -> str | None:
    filled = ""
    for text, figure, form in pieces:
        filled += text
        if figure is None:
            continue
        value = figures.get(figure)
        if pd.isna(value):
            return None
        filled += _figure(value, form)
    return filled


def _figure(value: Any, form: str) -> str:
    if form == "money":
        return f"{value:,.2f}".removesuffix(".00")
    if form == "percent":
        return f"{100 * value:.0f} %"
    if form == "change":
        return "as much as" if value == 0 else "more than" if value > 0 else "less than"
    if NOUN.fullmatch(form):
        return _counted(value, form)
    return format(value, form)


def _counted(value: float, noun: str) -> str:
    number = f"{value:,.1f}".removesuffix(".0")
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"
