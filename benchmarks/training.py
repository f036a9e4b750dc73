"""`patron train` of a large business, from a Parquet file of purchase lines to the registered model.

Everything that training does: features and labels of every past day, both of its fits (the one that is
tested and the one that is kept), the comparison with baselines, and the registration. It works in a
process of its own, and its seconds, CPU seconds and peak memory are noted, step by step.

    python benchmarks/training.py --customers 200000 --snapshots 8

prints a table on stderr and one JSON object on stdout.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from batch import SPAWN, in_a_process, say


def write_lines(folder: str, customers: int, days: int) -> None:
    """The purchase lines of so many simulated customers, as Parquet."""
    import patron

    shop = patron.simulate(customers, days=days, purchases_only=True)
    shop.transactions.to_parquet(Path(folder) / f"{customers}-{days}.parquet")


def train(folder: str, customers: int, days: int, snapshots: int, inference: str, answer: Any) -> None:
    """One training as `patron train` does it; its numbers go into the pipe `answer`."""
    import patron
    from patron.scoring.job_stages import Stages
    from patron.settings import Settings

    asked = {
        "tables": {"transactions": str(Path(folder) / f"{customers}-{days}.parquet")},
        "inference": inference,
        "train": {"max_snapshots": snapshots},
    }
    started, steps = time.perf_counter(), Stages(say)
    trained = patron.train(Settings.model_validate(asked), progress=steps)
    seconds, cpu = time.perf_counter() - started, time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    answer.send(
        {
            "lines": trained.outcome.report["transactions"].rows_kept,
            "seconds": round(seconds, 1),
            "cpu": round(cpu, 1),
            "peak_gb": round(peak, 2),
            "steps": [step.to_dict() for step in steps.end()],
            "champion": trained.recorded.champion,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[200_000])
    parser.add_argument("--snapshots", type=int, default=8)
    parser.add_argument("--days", type=int, default=1000)
    parser.add_argument("--inference", default="laplace")
    asked = parser.parse_args()

    results = []
    for customers in asked.customers:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["PATRON_HOME"] = folder  # an empty store: no champion to compare with
            in_a_process(write_lines, folder, customers, asked.days)
            answer, end = SPAWN.Pipe(duplex=False)
            in_a_process(train, folder, customers, asked.days, asked.snapshots, asked.inference, end)
            results.append({"customers": customers} | answer.recv())
        measured = results[-1]
        say(
            f"{customers:,} customers, {measured['lines']:,} lines: {measured['seconds']} s, "
            f"{measured['cpu']} s of CPU, {measured['peak_gb']} GB"
        )
        for step in measured["steps"]:
            say(f"  {step['stage'][:80]:<80}{step['seconds']:>9.1f}")
    sys.stdout.write(json.dumps(vars(asked) | {"results": results}) + "\n")


if __name__ == "__main__":
    main()
