"""Features of a simulated business beside hand-written DuckDB SQL for the same columns, in one run.

Both sides start from one Parquet file of purchase lines and end with a table in DuckDB. Each works in a
process of its own, in turns, so that a busy machine slows both; the first round is a warm-up. Phase "days"
is from the file to one row per customer and day (patron also checks every line here), phase "features" from
there to the features. In the end the sums of every column must agree.

    python benchmarks/features.py --customers 1000000 --lines 10000000 --repeat 3

prints a table on stderr and one JSON object on stdout.
"""

import argparse
import json
import math
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SPAWN = multiprocessing.get_context("spawn")
MEMORY_LIMIT = "6GB"
WINDOWS, TREND_WINDOWS = (7, 30, 90, 180, 365), (30, 90, 180)

DAYS = """
    SELECT customer_id, order_at::DATE AS day, round(sum(amount), 6) AS net, net > 0 AS bought,
           count(DISTINCT order_id) FILTER (amount >= 0) AS orders, count(*) FILTER (amount < 0) AS refunds,
           coalesce(-sum(amount) FILTER (amount < 0), 0) AS refunded, sum(cost) AS cost
    FROM read_parquet('{path}') GROUP BY ALL
"""

FEATURES = """
    WITH known AS (
        SELECT *, DATE '{as_of}' - day AS ago,
               CASE WHEN bought THEN day - lag(day) OVER (PARTITION BY customer_id, bought ORDER BY day) END
               AS gap
        FROM days WHERE day <= DATE '{as_of}'
    )
    SELECT customer_id, DATE '{as_of}' AS as_of,
           (min(ago) FILTER (bought))::DOUBLE AS days_since_last, (max(ago) FILTER (bought))::DOUBLE AS "T",
           "T" - days_since_last AS recency, count(gap)::DOUBLE AS frequency,
           coalesce(round(avg(net) FILTER (gap IS NOT NULL), 6), 0) AS monetary_value,
           {windows}, {trends},
           avg(gap) AS gap_mean, stddev_samp(gap) AS gap_std, median(gap) AS gap_median,
           max(gap)::DOUBLE AS gap_max, days_since_last / gap_median AS overdue_ratio,
           max(net) FILTER (bought AND gap IS NULL) AS first_order_value,
           arg_min(net, ago) FILTER (bought) AS last_order_value, sum(refunds)::DOUBLE AS refunds_total,
           round(sum(refunded), 6) AS refund_amount_total, round(sum(net), 6) AS net_spend_total,
           coalesce(refund_amount_total / nullif(net_spend_total + refund_amount_total, 0), 0) AS
           refund_share, round(sum(cost), 6) AS cost_total
    FROM known GROUP BY customer_id HAVING count(*) FILTER (bought) > 0
"""

WINDOW = """
    coalesce(sum(orders) FILTER (ago < {w}), 0)::DOUBLE AS orders_{w}d,
    coalesce(round(sum(net) FILTER (ago < {w}), 6), 0) AS net_spend_{w}d,
    (count(*) FILTER (ago < {w} AND bought))::DOUBLE AS active_days_{w}d
"""

TREND = """
    coalesce((orders_{w}d - {orders}) / nullif(orders_{w}d + {orders}, 0), 0) AS orders_trend_{w}d,
    coalesce((net_spend_{w}d - {net}) / nullif(abs(net_spend_{w}d) + abs({net}), 0), 0) AS
    net_spend_trend_{w}d
"""


def trend(w: int) -> str:
    before = f"FILTER (ago >= {w} AND ago < {2 * w})"
    orders, net = f"coalesce(sum(orders) {before}, 0)", f"coalesce(round(sum(net) {before}, 6), 0)"
    return TREND.format(w=w, orders=orders, net=net)


class PlainSql:
    """What somebody who knows DuckDB would write for exactly these columns."""

    def build_days(self, path: str) -> None:
        import duckdb

        self.connection = duckdb.connect(
            config={"memory_limit": MEMORY_LIMIT, "preserve_insertion_order": False}
        )
        self.connection.execute("CREATE TEMP TABLE days AS " + DAYS.format(path=path))

    def build_features(self) -> None:
        as_of = self.connection.execute("SELECT max(day) FROM days").fetchall()[0][0]
        windows, trends = ",".join(WINDOW.format(w=w) for w in WINDOWS), ",".join(map(trend, TREND_WINDOWS))
        sql = FEATURES.format(as_of=as_of, windows=windows, trends=trends)
        self.connection.execute("CREATE TEMP TABLE features AS " + sql)

    def sums(self) -> dict[str, float]:
        columns = [row[0] for row in self.connection.execute("DESCRIBE features").fetchall()]
        totals = ", ".join(f'sum("{column}")' for column in columns if column != "as_of")
        row = self.connection.execute(f"SELECT count(*), {totals} FROM features").fetchall()[0]
        return dict(
            zip(["rows", *(column for column in columns if column != "as_of")], map(float, row), strict=True)
        )


class Patron:
    """The same through History, make_spine and assemble_features."""

    def build_days(self, path: str) -> None:
        from patron.tables.engine import open_engine
        from patron.tables.history import History

        self.history = History.read(path, connection=open_engine(MEMORY_LIMIT))

    def build_features(self) -> None:
        from patron.features.assemble import assemble_features, discover_catalogue
        from patron.snapshots.spine import make_spine

        as_of = self.history.last_day
        catalogue = discover_catalogue(self.history, as_of)
        spine = make_spine(self.history, as_of)
        self.features = self.history.store(assemble_features(self.history, spine, catalogue), "features")

    def sums(self) -> dict[str, float]:
        numbers = [column for column in self.features.columns if column != "as_of"]
        totals = {column: self.features[column].sum() for column in numbers}
        row = self.features.aggregate(rows=self.features.count(), **totals).to_pyarrow().to_pylist()[0]
        return {column: float(total or 0.0) for column, total in row.items()}


def work(side: type[PlainSql] | type[Patron], path: str, pipe: Connection) -> None:
    """Build the features whenever asked, and answer with seconds, CPU seconds, peak memory and sums."""
    while pipe.recv():
        worker = side()
        start, start_cpu = time.perf_counter(), time.process_time()
        worker.build_days(path)
        halfway, halfway_cpu = time.perf_counter(), time.process_time()
        worker.build_features()
        end, end_cpu = time.perf_counter(), time.process_time()
        answer = {"days": halfway - start, "features": end - halfway, "both": end - start}
        answer |= {"days, CPU": halfway_cpu - start_cpu, "features, CPU": end_cpu - halfway_cpu}
        answer |= {"both, CPU": end_cpu - start_cpu}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
        pipe.send({"seconds": answer, "peak_gb": peak, "sums": worker.sums()})


def write_lines(path: str, customers: int, lines: int) -> None:
    """About so many purchase lines of so many simulated customers, as Parquet."""
    from patron.datasets.simulate import simulate
    from patron.datasets.world import World

    sample = simulate(20_000, purchases_only=True).transactions
    orders = sample["order_id"].nunique() / 20_000
    world = World(lines_per_order=max(1.0, lines / customers / orders))
    simulate(customers, purchases_only=True, world=world).transactions.to_parquet(path)


def measure(path: str, repeat: int) -> dict[str, dict[str, Any]]:
    """Rounds of both sides in turns, the first of them for nothing; medians of the rest."""
    pipes = {}
    for name, side in (("sql", PlainSql), ("patron", Patron)):
        pipes[name], end = SPAWN.Pipe()
        SPAWN.Process(target=work, args=(side, path, end), daemon=True).start()
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in pipes}
    for _ in range(1 + repeat):
        for name, pipe in pipes.items():
            pipe.send(True)
            rounds[name].append(pipe.recv())
    for pipe in pipes.values():
        pipe.send(False)
    return {
        name: {
            "seconds": {
                phase: round(statistics.median(answer["seconds"][phase] for answer in answers[1:]), 2)
                for phase in answers[0]["seconds"]
            },
            "peak_gb": round(answers[-1]["peak_gb"], 2),
            "sums": answers[-1]["sums"],
        }
        for name, answers in rounds.items()
    }


def different_columns(sql: dict[str, float], patron: dict[str, float]) -> list[str]:
    """Columns of the SQL whose sum is another in patron, which has two more: there is no engagement here."""
    return [
        column
        for column, total in sql.items()
        if not math.isclose(total, patron[column], rel_tol=1e-9, abs_tol=1e-3)
    ]


def say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="rounds after the warm-up")
    asked = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "lines.parquet")
        simulation = SPAWN.Process(target=write_lines, args=(path, asked.customers, asked.lines))
        simulation.start()
        simulation.join()
        sides = measure(path, asked.repeat)

    sql, patron = sides["sql"], sides["patron"]
    different = different_columns(sql.pop("sums"), patron.pop("sums"))
    ratio = {phase: round(patron["seconds"][phase] / seconds, 2) for phase, seconds in sql["seconds"].items()}
    say(f"{'seconds':<15}{'SQL':>10}{'patron':>10}{'ratio':>8}")
    for phase, seconds in sql["seconds"].items():
        say(f"{phase:<15}{seconds:>10.2f}{patron['seconds'][phase]:>10.2f}{ratio[phase]:>8.2f}")
    say(f"{'peak GB':<15}{sql['peak_gb']:>10.2f}{patron['peak_gb']:>10.2f}")
    result = vars(asked) | {"sql": sql, "patron": patron, "ratio": ratio, "different_columns": different}
    sys.stdout.write(json.dumps(result) + "\n")
    if different:
        raise SystemExit(f"the two sides disagree on {different}")


if __name__ == "__main__":
    main()
