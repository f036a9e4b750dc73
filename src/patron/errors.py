"""Everything that patron raises on purpose.

::

    PatronError
    ├── InputError              what the caller gave cannot be used (exit code 2 on the command line)
    │   ├── SourceError         a path, database or frame cannot be read
    │   ├── TableError          a table as a whole cannot be used: empty, no valid row, duplicate customers
    │   │   └── MissingColumnsError
    │   ├── DateError           as_of lies outside the data
    │   │   └── HistoryTooShortError
    │   ├── TooFewCustomersError
    │   ├── RangeError          a number lies outside its range (also a ValueError)
    │   ├── SettingsError       a setting is unknown or contradicts another
    │   ├── MissingExtraError   an optional package is not installed (also an ImportError)
    │   └── ModelNotFoundError  no model of that name, version or alias
    ├── NotFittedError          fit comes first (also a ValueError and an AttributeError)
    └── ModelError              a model could not be trained, saved or loaded (exit code 1)

    PatronWarning (UserWarning)

A message says what and where (the argument or table in the caller's words), what was found, and what to do.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "DateError",
    "HistoryTooShortError",
    "InputError",
    "MissingColumnsError",
    "MissingExtraError",
    "ModelError",
    "ModelNotFoundError",
    "NotFittedError",
    "PatronError",
    "PatronWarning",
    "RangeError",
    "SettingsError",
    "SourceError",
    "TableError",
    "TooFewCustomersError",
    "counted",
    "some",
    "without_password",
]


class PatronError(Exception):
    """The root of everything that patron raises on purpose."""


class InputError(PatronError):
    """What the caller gave cannot be used."""


class SourceError(InputError):
    """A path, database or frame cannot be read."""


class TableError(InputError):
    """A table as a whole cannot be used."""


class MissingColumnsError(TableError):
    """A table lacks columns that it must have.

    Parameters
    ----------
    table
        its name
    missing
        the columns that it lacks
    found
        the columns that it has
    probably_meant
        missing column → a column found that is likely to be the same
    """

    def __init__(
        self,
        table: str,
        missing: Iterable[str],
        found: Iterable[str],
        probably_meant: Mapping[str, str] | None = None,
    ) -> None:
        self.table, self.missing, self.found = table, sorted(missing), sorted(found)
        meant = dict(probably_meant or {}) or {self.missing[0]: "Your name"}
        guess = "".join(f"{name!r} is {column}, " for column, name in meant.items()) if probably_meant else ""
        flags = " ".join(f'--column {table}.{column}="{name}"' for column, name in meant.items())
        super().__init__(
            f"table {table!r} lacks {self.missing}; it has {self.found}. "
            + (f"Perhaps {guess[:-2]}: map it with {flags}" if guess else f"Map your names with {flags}")
            + f" or under [tables.{table}.columns] in patron.toml."
        )


class DateError(InputError):
    """as_of lies outside the data, or a date cannot be read."""


class HistoryTooShortError(DateError):
    """The history does not reach far enough for what was asked."""


class TooFewCustomersError(InputError):
    """Fewer customers than a model needs."""


class RangeError(InputError, ValueError):
    """A number lies outside its range."""


class SettingsError(InputError):
    """A setting is unknown or contradicts another."""


class MissingExtraError(InputError, ImportError):
    """An optional package is not installed.

    Parameters
    ----------
    package
        the package that is missing
    extra
        the extra of patron that installs it
    purpose
        what needs it, as the subject of a sentence
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package {package!r}: pip install 'patron[{extra}]'")


class ModelNotFoundError(InputError):
    """No model of that name, version or alias."""


class NotFittedError(PatronError, ValueError, AttributeError):
    """fit comes first."""


class ModelError(PatronError):
    """A model could not be trained, saved or loaded."""


class PatronWarning(UserWarning):
    """Something that the user should know before trusting a number."""


def some(values: Sequence[Any] | Iterable[Any], most: int = 5) -> str:
    """The first few of many values, for a message.

    Parameters
    ----------
    values
        any number of them
    most
        how many are shown

    Examples
    --------
    >>> some([3, 1, 2])
    '3, 1, 2'
    >>> some(range(100))
    '0, 1, 2, 3, 4, … (100 in all)'
    """
    listed = list(values)
    head = ", ".join(str(value) for value in listed[:most])
    return head if len(listed) <= most else f"{head}, … ({len(listed)} in all)"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count of things, for a message: one is one.

    Parameters
    ----------
    count
        how many
    noun
        the word for one of them
    plural
        the word for several; None adds an s to the last word

    Examples
    --------
    >>> counted(1, "monthly contract"), counted(2340, "monthly contract"), counted(0, "copy", "copies")
    ('1 monthly contract', '2,340 monthly contracts', '0 copies')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def without_password(text: str) -> str:
    """A path, a URL or a message without secrets: no URL in it shows a user, a password or a token.

    Parameters
    ----------
    text
        anything that may be printed or logged

    Examples
    --------
    >>> without_password("postgresql://ann:s/e@cret@db/crm::sales")
    'postgresql://…@db/crm::sales'
    >>> without_password("sc://cluster:15002/;token=secret;user_id=ann")
    'sc://cluster:15002/;token=…;user_id=ann'
    """
    hidden = re.sub(r"://.*@", "://…@", text)
    return re.sub(r"([?&;][\w-]*(?:password|token|secret|key)[\w-]*=)[^&;\s'\"]+", r"\1…", hidden, flags=re.I)
