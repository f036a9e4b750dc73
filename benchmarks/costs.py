"""How long `patron costs` takes, and how much memory: ten million interactions, a million customers.

    python benchmarks/costs.py [--customers 1000000] [--interactions 10000000] [--out out/bench-costs]

Makes the tables once (interactions, three purchases per customer, a ledger of twelve months, a scorecard),
then measures the command in a process of its own, its largest memory included.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

POINTS = ["call", "chat", "return", "letter"]
CHANNELS = ["phone", "site", "post", "post"]
A_DAY = 86_400


def main() -> None:
    """Make what is not there yet, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--interactions", type=int, default=10_000_000)
    parser.add_argument("--out", type=Path, default=Path("out/bench-costs"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if not (asked.out / "ledger.parquet").exists():
        make(asked.customers, asked.interactions, asked.out)
    words = [sys.executable, "-m", "patron", "costs", "--json", "--out", str(asked.out / "costs")]
    for flag, file in (
        *(("--interactions", "interactions"), ("--transactions", "transactions")),
        *(("--costs", "ledger"), ("--scores", "scores")),
    ):
        words += [flag, str(asked.out / f"{file}.parquet")]
    words += ["--from", "2024-01-01", "--to", "2024-12-31", "--capacity", "service centre=9000000"]
    began = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(done.stderr)
    totals = json.loads(done.stdout)["totals"]
    ledger = totals.pop("ledger")
    print(done.stderr.strip())
    print(
        f"{asked.interactions:,} interactions, {asked.customers:,} customers: {seconds:.1f} s, "
        f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2:.2f} GB; parts less ledger: "
        f"{round(sum(totals.values()) - ledger, 2):.2f}"
    )


def make(n: int, m: int, out: Path) -> None:
    """The tables, in parts that fit into little memory."""
    rng = np.random.default_rng(1)
    start = np.datetime64("2024-01-01", "us")
    with_parts(
        out / "interactions.parquet",
        m,
        lambda size: interactions(rng, n, size, start),
    )
    with_parts(out / "transactions.parquet", 3 * n, lambda size: transactions(rng, n, size, start))
    tiers = pd.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "value_tier": np.array(["vip", "medium", "low", "low"])[np.arange(n) % 4],
        }
    )
    tiers.to_parquet(out / "scores.parquet", index=False)
    months = pd.date_range("2024-01-01", periods=12, freq="MS")
    lines = [
        ("service centre", 9_000_000 * 0.9, "direct", None, None),
        ("postage", 150_000.0, "direct", "letter", None),
        ("loyalty programme", 200_000.0, "indirect", None, "active_customers"),
        ("information technology", 90_000.0, "indirect", None, "events"),
        ("brand", 300_000.0, "indirect", None, "revenue"),
    ]
    parts = [
        pd.DataFrame({"month": months, "pool": p, "amount": a, "kind": k, "touchpoint": t, "driver": d})
        for p, a, k, t, d in lines
    ]
    ledger = pd.concat(parts, ignore_index=True).astype({"touchpoint": "str", "driver": "str"})
    ledger.to_parquet(out / "ledger.parquet", index=False)


def interactions(rng: np.random.Generator, n: int, size: int, start: np.datetime64) -> pa.Table:
    """A part of the interactions; one in twenty with nobody in particular."""
    what = rng.integers(0, 4, size)
    seconds = rng.integers(0, 366 * A_DAY, size)
    return pa.table(
        {
            "customer_id": pa.array(rng.integers(1, n + 1, size), mask=rng.random(size) < 0.05),
            "occurred_at": start + (seconds * 1_000_000).astype("timedelta64[us]"),
            "touchpoint": pa.DictionaryArray.from_arrays(what.astype(np.int8), POINTS).cast(pa.string()),
            "channel": pa.DictionaryArray.from_arrays(what.astype(np.int8), CHANNELS).cast(pa.string()),
            "minutes": np.where(what == 3, 0.0, rng.gamma(2.0, 3.0, size).round(2)),
            "units": (what == 3).astype(np.int64),
        }
    )


def transactions(rng: np.random.Generator, n: int, size: int, start: np.datetime64) -> pa.Table:
    """A part of the purchases, half a year before the year included."""
    seconds = rng.integers(-180 * A_DAY, 366 * A_DAY, size)
    amount = rng.gamma(2.0, 20.0, size).round(2) + 0.01
    return pa.table(
        {
            "customer_id": rng.integers(1, n + 1, size),
            "order_at": start + (seconds * 1_000_000).astype("timedelta64[us]"),
            "amount": amount,
            "cost": (0.6 * amount).round(2),
        }
    )


def with_parts(path: Path, rows: int, part: Callable[[int], pa.Table]) -> None:
    """Write `rows` rows, a million at a time."""
    writer = None
    for begin in range(0, rows, 1_000_000):
        table = part(min(1_000_000, rows - begin))
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    main()
