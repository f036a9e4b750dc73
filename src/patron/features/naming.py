"""Any text as part of a column name: readable, unique, and the same on every engine.

DuckDB and Spark compare column names without regard to case, Parquet and LightGBM refuse some punctuation;
letters of every script are fine everywhere. So a name keeps letters and digits of any script in lower case,
and everything else becomes an underscore. Texts that would meet in one name each get six characters of their
own hash.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable

__all__ = ["column_names", "readable"]

LONGEST = 40
CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def column_names(texts: Iterable[str], *, taken: Collection[str] = ()) -> dict[str, str]:
    """A column name for each text.

    Parameters
    ----------
    texts
        what to name, each once or more often
    taken
        names that are spoken for

    Returns
    -------
    dict[str, str]
        text → name, in the order given. The name of a text does not depend on that order.

    Examples
    --------
    >>> column_names(["email_open", "AppVisit", "باز کردن"])
    {'email_open': 'email_open', 'AppVisit': 'app_visit', 'باز کردن': 'باز_کردن'}
    >>> column_names(["SMS sent", "sms-sent"])
    {'SMS sent': 'sms_sent_546895', 'sms-sent': 'sms_sent_507eac'}
    """
    plain = {text: _plain(text) for text in texts}
    uses = Counter(plain.values())
    return {
        text: name
        if uses[name] == 1 and name and name not in taken and len(name) <= LONGEST
        else _marked(name, text)
        for text, name in plain.items()
    }


def readable(text: str) -> str:
    """The text as words in a sentence: no underscores, no punctuation.

    Parameters
    ----------
    text
        any text

    Examples
    --------
    >>> readable("coupon_redeemed"), readable("?")
    ('coupon redeemed', 'unnamed')
    """
    return " ".join(re.split(r"[\W_]+", text)).strip() or "unnamed"


def _plain(text: str) -> str:
    parted = CAMEL_HUMP.sub("_", unicodedata.normalize("NFKC", text))
    return re.sub(r"[\W_]+", "_", parted.casefold()).strip("_")


def _marked(name: str, text: str) -> str:
    mark = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{name[:LONGEST]}_{mark}".lstrip("_")
