"""The folder that `patron target` writes: a list, its copy as CSV, and the plan."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from patron.errors import SettingsError, SourceError, TableError
from patron.tables.source import open_source, reading

__all__ = ["CSV_FILE", "LIST_COLUMNS", "LIST_FILE", "PLAN_FILE", "check_no_list", "read_list"]

LIST_FILE, CSV_FILE, PLAN_FILE = "list.parquet", "list.csv", "plan.json"

LIST_COLUMNS = (
    "customer_id", "offer", "channel", "cost", "expected_profit", "expected_profit_low",
    "expected_profit_high", "treated", "why",
)  # fmt: skip
"""The columns of a list, in order."""


def check_no_list(folder: Path) -> None:
    """Raise if the folder already holds a list.

    Parameters
    ----------
    folder
        folder for a new list

    Raises
    ------
    SettingsError
        it holds a list: without its holdout that campaign could never be measured

    Examples
    --------
    >>> check_no_list(Path("nowhere"))
    """
    if any((folder / name).exists() for name in (LIST_FILE, PLAN_FILE)):
        raise SettingsError(
            f"The folder {str(folder)!r} already holds a list, and without its holdout that campaign could "
            "never be measured. Name another folder."
        )


def read_list(folder: Path | None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The list, sorted by customer_id, and the plan that `patron target` wrote.

    Parameters
    ----------
    folder
        folder with list.parquet and plan.json; None raises

    Raises
    ------
    SettingsError
        no folder is named, or it holds no list
    SourceError, TableError
        the list or the plan cannot be read
    """
    if folder is None:
        raise SettingsError("No list is named. Name the folder that patron target wrote, with --list.")
    missing = [name for name in (LIST_FILE, PLAN_FILE) if not (folder / name).is_file()]
    if missing:
        raise SettingsError(
            f"The folder {str(folder)!r} has no {missing[0]}. Name the folder that patron target wrote."
        )
    path = folder / LIST_FILE
    with reading("list", str(path)):
        listed = open_source(str(path), "list").to_pandas()
    if lost := [name for name in LIST_COLUMNS if name not in listed.columns]:
        raise TableError(f"The list {str(path)!r} lacks {', '.join(lost)}. Make it again with patron target.")
    try:
        plan = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
        date.fromisoformat(plan["as_of"])
        int(plan["horizon_days"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"The plan {str(folder / PLAN_FILE)!r} cannot be read: {error}. "
            "Make the list again with patron target."
        ) from None
    return listed.sort_values("customer_id", kind="stable", ignore_index=True), plan
