"""The engines that build features and scores: DuckDB on one machine, or Spark on many."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patron.scoring.on_duckdb import OnDuckDB
    from patron.scoring.on_spark import OnSpark

__all__ = ["Engine", "choose_engine"]

type Engine = OnDuckDB | OnSpark
"""What builds features and scores. Both have the same methods, and give the same numbers."""


def choose_engine(name: str, *, batch_rows: int = 50_000, **spark: Any) -> Engine:
    """The engine of this name.

    Parameters
    ----------
    name
        "duckdb" or "spark"
    batch_rows
        DuckDB: count of customers scored at a time
    **spark
        Spark: the attributes of :class:`patron.scoring.on_spark.OnSpark`

    Examples
    --------
    >>> choose_engine("duckdb", batch_rows=1000)
    OnDuckDB(batch_rows=1000)
    """
    if name == "spark":
        from patron.scoring.on_spark import OnSpark

        return OnSpark(**spark)
    from patron.scoring.on_duckdb import OnDuckDB

    return OnDuckDB(batch_rows=batch_rows)
