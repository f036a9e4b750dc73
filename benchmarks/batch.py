"""`patron score` of a large business, from a Parquet file of purchase lines to the scorecard, stage by stage.

A model is trained on a small business of the same kind. Then each size is scored in a process of its own,
with intervals and without reasons, and its seconds, CPU seconds, rows and peak memory are noted. Two sizes
show whether the time grows with the customers.

    python benchmarks/batch.py --customers 100000 1000000 --lines-per-customer 10

prints a table on stderr and one JSON object on stdout.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SPAWN = multiprocessing.get_context("spawn")
TRAINED_ON = 5_000


def train(folder: str) -> None:
    """A model of a small business, registered in a store of its own."""
    import patron
    from patron.settings import Settings

    shop = patron.simulate(TRAINED_ON, purchases_only=True, seed=1)
    settings = {"tables": {"transactions": shop.transactions}, "inference": "map", "train": {"promote": True}}
    patron.train(Settings.model_validate(settings))


def write_lines(folder: str, customers: int, per_customer: float) -> None:
    """About so many purchase lines of so many simulated customers, as Parquet."""
    import patron
    from patron.datasets.world import World

    sample = patron.simulate(20_000, purchases_only=True).transactions
    orders = sample["order_id"].nunique() / 20_000
    world = World(lines_per_order=max(1.0, per_customer / orders))
    lines = patron.simulate(customers, purchases_only=True, world=world).transactions
    lines.to_parquet(Path(folder) / f"{customers}.parquet")


def score(folder: str, customers: int, answer: Any) -> None:
    """One scoring as `patron score` does it; its numbers go into the pipe `answer`."""
    import patron
    from patron.settings import Settings

    told: list[tuple[str, float]] = []
    out = Path(folder) / f"{customers}-scores.parquet"
    wanted = {"out": out, "reasons": False, "model": "models:/patron/1"}
    tables = {"transactions": Path(folder) / f"{customers}.parquet"}
    started = time.perf_counter()
    scored = patron.score(
        Settings.model_validate({"tables": tables, "score": wanted}),
        progress=lambda step: told.append((step, time.process_time())),
    )
    seconds, cpu = time.perf_counter() - started, time.process_time()
    ends = [at for _, at in told[1:]] + [cpu]
    cpu_of = {step: round(end - at, 2) for (step, at), end in zip(told, ends, strict=True)}
    stages = [stage.to_dict() | {"cpu": cpu_of[stage.stage]} for stage in scored.stages]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    answer.send(
        {
            "customers": scored.summary.rows,
            "seconds": round(seconds, 1),
            "cpu": round(cpu, 1),
            "peak_gb": round(peak, 2),
            "stages": stages,
        }
    )


def in_a_process(work: Any, *arguments: Any) -> None:
    process = SPAWN.Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed")


def say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--lines-per-customer", type=float, default=10)
    parser.add_argument("--folder", help="where data and model are kept and found again; none by default")
    asked = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or temporary
        os.environ["PATRON_HOME"] = folder
        if not (Path(folder) / "mlruns").exists():
            in_a_process(train, folder)
        results = []
        for customers in asked.customers:
            if not (Path(folder) / f"{customers}.parquet").exists():
                in_a_process(write_lines, folder, customers, asked.lines_per_customer)
            answer, end = SPAWN.Pipe(duplex=False)
            in_a_process(score, folder, customers, end)
            results.append(answer.recv())
            say(f"{customers:,} customers: {results[-1]['seconds']} s, {results[-1]['peak_gb']} GB")
            say(f"{'stage':<60}{'rows':>12}{'s':>9}{'CPU s':>9}")
            for stage in results[-1]["stages"]:
                rows = "" if stage["rows"] is None else f"{stage['rows']:,}"
                say(f"{stage['stage'][-60:]:<60}{rows:>12}{stage['seconds']:>9.1f}{stage['cpu']:>9.1f}")
    sys.stdout.write(json.dumps(vars(asked) | {"results": results}) + "\n")


if __name__ == "__main__":
    main()
