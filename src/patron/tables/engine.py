"""DuckDB, the engine unless another Ibis backend is given."""

import shutil
import tempfile
import weakref
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

__all__ = ["EXACT_DECIMAL", "open_engine", "store"]

EXACT_DECIMAL = dt.Decimal(38, 6)  # sums of decimals are exact in any order


def open_engine(memory_limit: str = "25%", threads: int | None = None) -> Any:
    """An empty in-memory DuckDB whose memory is bounded and which spills into a folder of its own.

    The folder is removed when the connection is no longer used, at the latest when Python exits.

    Parameters
    ----------
    memory_limit
        memory limit of DuckDB's tables and queries: a size such as "2GB", or a share of the machine's memory
        such as "25%"
    threads
        number of threads; None for one per core

    Returns
    -------
    Any
        ibis.backends.duckdb.Backend, with its time zone set to UTC

    Examples
    --------
    >>> engine = open_engine(memory_limit="1GB")
    >>> engine.create_table("numbers", schema={"number": "int64"}).count().to_pyarrow().as_py()
    0
    """
    folder = tempfile.mkdtemp(prefix="patron-")
    settings: dict[str, Any] = {
        "memory_limit": memory_limit,
        "temp_directory": folder,
        # No table of patron depends on row order, and keeping it costs memory.
        "preserve_insertion_order": False,
    }
    if threads is not None:
        settings["threads"] = threads
    engine = ibis.duckdb.connect(**settings)
    weakref.finalize(engine, _close, engine.con, folder)
    return engine


def store(connection: Any, table: ir.Table, name: str) -> ir.Table:
    """The table, computed once and held by the connection until it is closed.

    Parameters
    ----------
    connection
        Ibis backend on which the expression runs
    table
        what to compute
    name
        prefix of its name in the connection's list of tables

    Returns
    -------
    ir.Table
        same columns and rows

    Examples
    --------
    >>> engine = open_engine()
    >>> numbers = engine.create_table("numbers", schema={"number": "int64"})
    >>> store(engine, numbers.mutate(twice=numbers.number * 2), "twice").columns
    ('number', 'twice')
    """
    stored: ir.Table = connection.create_table(ibis.util.gen_name(f"patron_{name}"), table, temp=True)
    return stored


def _close(connection: Any, folder: str) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)
