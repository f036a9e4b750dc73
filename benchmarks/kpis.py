"""Time and memory of `patron kpis` at a given size, on a simulated shop.

python benchmarks/kpis.py --customers 1000000 --lines 10000000
"""

import argparse
import json
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import duckdb

from patron.datasets.simulate import simulate
from patron.settings import Settings
from patron.workflows.kpis import kpis

SIMULATED = 200_000  # customers; more of them are copies under other ids, which costs the indicators the same


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--customers", type=int, default=1_000_000)
    asked.add_argument("--lines", type=int, default=10_000_000)
    asked.add_argument("--every", default="month")
    chosen = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with ProcessPoolExecutor(1) as elsewhere:  # the peak shall be that of the indicators alone
            made = elsewhere.submit(write_shop, Path(folder), chosen.customers, chosen.lines)
            lines, customers = made.result()
        began, before = time.perf_counter(), time.process_time()
        found = kpis(
            Settings.model_validate(
                {
                    "tables": {"transactions": str(lines), "customers": str(customers)},
                    "kpis": {"every": chosen.every, "out": str(Path(folder) / "kpis.parquet")},
                }
            )
        )
        print(
            json.dumps(
                {
                    "lines": found.report["transactions"].rows_kept,
                    "customers": found.report["transactions"].customers,
                    "periods": int(found.rows["period_start"].nunique()),
                    "seconds": round(time.perf_counter() - began, 1),
                    "cpu_seconds": round(time.process_time() - before, 1),
                    "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
                }
            )
        )


def write_shop(folder: Path, customers: int, lines: int) -> tuple[Path, Path]:
    """Transactions of about so many lines, and the customers, as Parquet."""
    size = min(customers, SIMULATED)
    shop = simulate(size, days=900, seed=0, purchases_only=True)
    copies = range(-(-customers // size))
    kept = min(lines / (len(shop.transactions) * len(copies)), 1.0)
    for name, table, share in (("transactions", shop.transactions, kept), ("customers", shop.customers, 1.0)):
        source = folder / f"{name}-once.parquet"
        table.to_parquet(source)
        duckdb.execute(
            f"COPY (SELECT t.* REPLACE (customer_id + {size} * k AS customer_id) "
            f"FROM read_parquet('{source}') t, range({len(copies)}) copies(k) "
            f"WHERE hash(t, k) % 10000 < {share * 10000:.0f}) "
            f"TO '{folder / name}.parquet' (FORMAT parquet)"
        )
    return folder / "transactions.parquet", folder / "customers.parquet"


if __name__ == "__main__":
    main()
