"""`patron score` on DuckDB and on Spark local, of the same customers: seconds, memory, and how far the
numbers lie apart.

The data and the model are those of batch.py, from which this borrows them. Each engine works in a process of
its own, one after the other; the memory of Spark is that of its Java process at its highest.

    python benchmarks/spark.py --customers 100000

prints a table on stderr and one JSON object on stdout.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
from batch import SPAWN, in_a_process, say, train, write_lines


def score(folder: str, customers: int, engine: str, config: dict[str, str], answer: Any) -> None:
    """One scoring as `patron score --engine ENGINE` does it; its numbers go into the pipe `answer`."""
    import patron
    from patron.settings import Settings

    ending = "" if engine == "spark" else ".parquet"
    wanted = {"out": Path(folder) / f"{customers}-by-{engine}{ending}", "reasons": False}
    asked = {
        "tables": {"transactions": str(Path(folder) / f"{customers}.parquet")},
        "score": wanted | {"model": "models:/patron/1"},
        "engine": engine,
        "spark": {"config": config},
    }
    started = time.perf_counter()
    scored = patron.score(Settings.model_validate(asked), progress=say)
    seconds = time.perf_counter() - started
    answer.send(
        {
            "engine": engine,
            "seconds": round(seconds, 1),
            "peak_gb": round(max(map(peak_of, ["self", *java_processes()])), 2),
            "stages": [stage.to_dict() for stage in scored.stages],
        }
    )


def java_processes() -> list[str]:
    """The Java processes that this process has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        text = status.read_text()
        if f"PPid:\t{os.getpid()}\n" in text and "Name:\tjava\n" in text:
            found.append(status.parent.name)
    return found


def peak_of(process: str) -> float:
    """The most memory that a process has held so far, GB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e6


def furthest_apart(folder: str, customers: int) -> tuple[str, float]:
    """The column in which the two scorecards differ most, and by how much, relative."""
    here = f"'{folder}/{customers}-by-duckdb.parquet'"
    there = f"read_parquet('{folder}/{customers}-by-spark/**/*.parquet', hive_partitioning = true)"
    with duckdb.connect() as connection:
        kinds = dict(
            connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {here})").fetchall()
        )
        differences = ", ".join(
            f'max(CASE WHEN a."{name}" IS NOT DISTINCT FROM b."{name}" THEN 0'
            f' WHEN a."{name}" IS NULL OR b."{name}" IS NULL THEN 1e308'
            + (
                f' ELSE abs(a."{name}" - b."{name}") / greatest(abs(a."{name}"), abs(b."{name}")) END)'
                if kind in ("DOUBLE", "BIGINT")
                else " ELSE 1e308 END)"
            )
            + f' AS "{name}"'
            for name, kind in kinds.items()
            if name not in ("customer_id", "as_of", "scored_at")
        )
        query = f"SELECT count(*), {differences} FROM {here} AS a FULL JOIN {there} AS b USING (customer_id)"
        rows, *found = connection.execute(query).fetchall()[0]
        names = [column[0] for column in connection.description[1:]]
    if rows != customers:
        raise SystemExit(f"the scorecards hold {rows} customers together, not {customers}")
    return max(zip(names, found, strict=True), key=lambda pair: pair[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000])
    parser.add_argument("--lines-per-customer", type=float, default=10)
    parser.add_argument("--config", action="append", default=[], metavar="NAME=VALUE", help="of Spark")
    parser.add_argument("--folder", help="where data and model are kept and found again; none by default")
    asked = parser.parse_args()
    config = dict(pair.split("=", 1) for pair in asked.config)

    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or temporary
        os.environ["PATRON_HOME"] = folder
        if not (Path(folder) / "mlruns").exists():
            in_a_process(train, folder)
        for customers in asked.customers:
            if not (Path(folder) / f"{customers}.parquet").exists():
                in_a_process(write_lines, folder, customers, asked.lines_per_customer)
            for engine in ("duckdb", "spark"):
                answer, end = SPAWN.Pipe(duplex=False)
                in_a_process(score, folder, customers, engine, config, end)
                results.append({"customers": customers} | answer.recv())
                took = f"{results[-1]['seconds']} s, {results[-1]['peak_gb']} GB"
                say(f"{customers:,} customers on {engine}: {took}")
                for stage in results[-1]["stages"]:
                    say(f"  {stage['stage'][-60:]:<60}{stage['seconds']:>9.1f}")
            column, apart = furthest_apart(folder, customers)
            results[-1] |= {"differs_most": column, "relative": apart}
            say(f"furthest apart: {column}, by {apart:.1e}")
    sys.stdout.write(json.dumps(vars(asked) | {"results": results}) + "\n")


if __name__ == "__main__":
    main()
