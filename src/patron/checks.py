"""Checks of arguments; each raises an :class:`patron.errors.InputError` that names the argument.

Every check takes the argument's name first and returns the value, so that it can be used in an assignment.
NaN fails every check.
"""

import math
from collections.abc import Sized
from typing import Any

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.errors import InputError, RangeError

__all__ = ["at_least", "finite", "one_of", "positive", "same_length", "share", "shares", "whole_number"]


def share(name: str, value: float, *, ends: str = "[]", example: str = "30 % as 0.30") -> float:
    """A share or probability between 0 and 1.

    Parameters
    ----------
    name
        argument, as the caller wrote it
    value
        number to check
    ends
        "[]", "()", "(]" or "[)": a round bracket excludes that end
    example
        how to write one, for the message

    Raises
    ------
    RangeError
        it lies outside, or is not a number

    Examples
    --------
    >>> share("acceptance", 0.3)
    0.3
    >>> share("level", 95, ends="()", example="95 % as 0.95")
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: level must lie between 0 and 1, got 95. Write 95 % as 0.95.
    """
    low = value >= 0 if ends[0] == "[" else value > 0
    high = value <= 1 if ends[1] == "]" else value < 1
    if not (low and high):
        where = "between 0 and 1" if ends == "()" else f"in {ends[0]}0, 1{ends[1]}"
        raise RangeError(f"{name} must lie {where}, got {value!r}. Write {example}.")
    return value


def shares(
    name: str, values: npt.ArrayLike, *, example: str = "30 % as 0.30", unknown: bool = False
) -> Floats:
    """Shares or probabilities as float64, all of them in [0, 1].

    Parameters
    ----------
    name, example
        as in :func:`share`
    values
        any shape, numbers to check
    unknown
        whether NaN is allowed, for a value that is not known

    Raises
    ------
    RangeError
        one lies outside [0, 1], or is NaN unless `unknown`; the message names how many and the first

    Examples
    --------
    >>> shares("margin", [0.5, 1])
    array([0.5, 1. ])
    >>> shares("margin", [0.5, 80])
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: margin must lie in [0, 1], got 80 (1 of 2 numbers is not). Write 30 % as 0.30.
    """
    numbers = np.asarray(values, dtype=np.float64)
    good = (numbers >= 0) & (numbers <= 1) | (np.isnan(numbers) & unknown)
    bad = numbers[~good].ravel()
    if bad.size:
        verb = "is" if bad.size == 1 else "are"
        count = "" if numbers.ndim == 0 else f" ({bad.size} of {numbers.size} numbers {verb} not)"
        raise RangeError(f"{name} must lie in [0, 1], got {bad[0]:g}{count}. Write {example}.")
    return numbers


def at_least(name: str, value: float, lowest: float, unit: str = "", *, hint: str = "") -> float:
    """A finite number that is not below `lowest`.

    Parameters
    ----------
    name, value
        as in :func:`share`
    lowest
        smallest allowed value
    unit
        noun after the lowest value, for the message
    hint
        sentence at the end of the message

    Examples
    --------
    >>> at_least("horizon_days", 0, 1, "day")
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: horizon_days must be at least 1 day, got 0.
    """
    if not (value >= lowest and math.isfinite(value)):
        least = f"{lowest:g} {unit}".rstrip()
        raise RangeError(f"{name} must be at least {least}, got {value!r}. {hint}".rstrip())
    return value


def positive(name: str, value: float) -> float:
    """A finite number above 0.

    Parameters
    ----------
    name, value
        as in :func:`share`

    Examples
    --------
    >>> positive("value", -1.0)
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: value must be a finite number above 0, got -1.0.
    """
    if not (value > 0 and math.isfinite(value)):
        raise RangeError(f"{name} must be a finite number above 0, got {value!r}.")
    return value


def whole_number(name: str, value: Any, lowest: int, *, floats: bool = True) -> int:
    """A whole number that is not below `lowest`, as int. True is not one.

    Parameters
    ----------
    name, value
        as in :func:`share`
    lowest
        smallest allowed value
    floats
        whether 2.0 counts as a whole number

    Examples
    --------
    >>> whole_number("years", 2.0, 1)
    2
    >>> whole_number("years", 2.5, 1)
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: years must be a whole number of at least 1, got 2.5.
    """
    types = (int, np.integer, float, np.floating) if floats else (int, np.integer)
    is_number = isinstance(value, types) and not isinstance(value, bool)
    if not (is_number and math.isfinite(value) and value == int(value) and value >= lowest):
        raise RangeError(f"{name} must be a whole number of at least {lowest}, got {value!r}.")
    return int(value)


def one_of(name: str, value: str, choices: tuple[str, ...], *, error: type[InputError] = RangeError) -> str:
    """One of the allowed texts.

    Parameters
    ----------
    name
        argument, as the caller wrote it
    value
        text to check
    choices
        allowed texts
    error
        class of the error; :class:`patron.errors.SettingsError` for a setting

    Raises
    ------
    InputError
        it is none of them; the class is `error`

    Examples
    --------
    >>> one_of("family", "poisson", ("bgnbd", "mbgnbd"))
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: family must be one of bgnbd, mbgnbd, got 'poisson'.
    """
    if value not in choices:
        raise error(f"{name} must be one of {', '.join(choices)}, got {value!r}.")
    return value


def finite(name: str, values: npt.ArrayLike, *, lowest: float | None = None) -> Floats:
    """Numbers as float64, none of them NaN, infinite or below `lowest`.

    Parameters
    ----------
    name
        argument, as the caller wrote it
    values
        any shape, numbers to check
    lowest
        smallest allowed value; None for no bound

    Raises
    ------
    RangeError
        one is; the message names how many and the first

    Examples
    --------
    >>> finite("value", [1, 2])
    array([1., 2.])
    >>> finite("value", [1.0, -2.0], lowest=0)
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: value must be finite and at least 0; 1 of 2 numbers is not, the first is -2.0.
    """
    numbers = np.asarray(values, dtype=np.float64)
    good = np.isfinite(numbers) if lowest is None else np.isfinite(numbers) & (numbers >= lowest)
    if not good.all():
        bad = numbers[~good].ravel()
        rule = "finite" if lowest is None else f"finite and at least {lowest:g}"
        verb = "is" if len(bad) == 1 else "are"
        raise RangeError(
            f"{name} must be {rule}; {len(bad)} of {numbers.size} numbers {verb} not, the first is "
            f"{float(bad[0])}."
        )
    return numbers


def same_length(**columns: Sized) -> int:
    """The length that all columns share.

    Parameters
    ----------
    **columns
        name → column

    Raises
    ------
    InputError
        two lengths differ; the message names each

    Examples
    --------
    >>> same_length(churned=[1, 0], probability=[0.5])
    Traceback (most recent call last):
        ...
    patron.errors.InputError: These must have the same number of rows: churned 2, probability 1.
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"These must have the same number of rows: {found}.")
    return next(iter(lengths.values()), 0)
