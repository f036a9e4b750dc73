"""How good predictions are on five businesses: the backtest of each, beside the baselines.

    python benchmarks/backtest.py [--data cdnow complete-journey seasons fading log] [--cuts 3]

Two are real (CDNOW, Complete Journey) and three simulated: one whose tempo doubles before Christmas, one
whose customers stop opening and visiting before they stop buying, and the event log of such a one alone,
without its purchases. Writes backtest-<name>.csv and a JSON of the means of each into out/bench, or where
--out says, and prints them as Markdown.
"""

import argparse
import json
import resource
import time
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from patron import History, PatronWarning, Settings, load_cdnow, load_complete_journey, simulate
from patron.datasets.world import World
from patron.workflows.backtest import BacktestResult, backtest

SEASONS = World(yearly_amplitude=0.6, visits_per_day=0.0, email_consent=0.0)
FADING = World(yearly_amplitude=0.0, fade_days=90.0, visits_per_day=0.15, lapsed_engagement=0.02)
CHURN = ["auc", "average_precision", "top_decile_lift", "brier", "log_loss", "calibration_error"]
VALUE = ["gini", "spearman", "mae", "total_bias", "top_decile_share", "coverage"]


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(BUSINESSES), choices=list(BUSINESSES))
    parser.add_argument("--cuts", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.data:
        measured = measure(name, asked.cuts, asked.out)
        (asked.out / f"backtest-{name}.json").write_text(json.dumps(measured, indent=1, default=str))


def measure(name: str, cuts: int, out: Path) -> dict[str, Any]:
    """The backtest of one business, printed as Markdown."""
    tables, horizon_days = BUSINESSES[name]()
    started = time.perf_counter()
    settings = Settings.model_validate({"horizon_days": horizon_days, "backtest": {"cuts": cuts}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)
        found = backtest(settings, history=History.read(*tables))
    seconds = time.perf_counter() - started
    found.table.to_csv(out / f"backtest-{name}.csv", index=False)
    days = ", ".join(str(day) for day in found.table["as_of"].unique())
    print(f"\n### {name}: {horizon_days} days ahead; cuts {days}\n")
    print(markdown(found.means))
    print("\n" + "\n".join(f"- {sentence}" for sentence in found.sentences()), flush=True)
    return {
        "data": name,
        "horizon_days": horizon_days,
        "means": found.means.to_dict("records"),
        "signed_total_bias": signed_bias(found),
        "seconds": round(seconds, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def markdown(means: pd.DataFrame) -> str:
    """The means as a table; – where a model says nothing of it."""
    names = [*CHURN, *VALUE]
    lines = ["| model | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in means.to_dict("records"):
        cells = ["–" if pd.isna(row[name]) else f"{row[name]:.3f}" for name in names]
        lines.append(f"| {row['model']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def signed_bias(found: BacktestResult) -> dict[str, list[float]]:
    """Model → total bias at each cut, with its sign."""
    known = found.table.dropna(subset=["total_bias"])
    return {str(name): rows["total_bias"].round(3).tolist() for name, rows in known.groupby("model")}


def _cdnow() -> tuple[list[pd.DataFrame | None], int]:
    sample = load_cdnow()
    return [sample.transactions], sample.horizon_days


def _complete_journey() -> tuple[list[pd.DataFrame | None], int]:
    sample = load_complete_journey()
    return [sample.transactions, sample.engagement, sample.customers], sample.horizon_days


def _seasons() -> tuple[list[pd.DataFrame | None], int]:
    shop = simulate(6000, days=1095, start=date(2021, 1, 1), seed=11, world=SEASONS)
    return [shop.transactions, None, shop.customers], shop.horizon_days


def _fading() -> tuple[list[pd.DataFrame | None], int]:
    shop = simulate(6000, days=900, start=date(2022, 1, 1), seed=12, world=FADING)
    return [shop.transactions, shop.engagement, shop.customers], shop.horizon_days


def _log() -> tuple[list[pd.DataFrame | None], int]:
    shop = simulate(2000, days=900, start=date(2022, 1, 1), seed=13, world=FADING)
    return [None, shop.engagement], shop.horizon_days


BUSINESSES = {
    "cdnow": _cdnow,
    "complete-journey": _complete_journey,
    "seasons": _seasons,
    "fading": _fading,
    "log": _log,
}

if __name__ == "__main__":
    main()
