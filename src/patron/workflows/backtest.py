"""Tables → how good the model would have been: fitted again on several past days, with what was known then.

Rolling origin: at each cut everything is fitted as `train` would have done on that day, baselines included,
and compared with the outcome of the horizon after it. ::

    ──────────────── known ────────────────| cut |── horizon ──|
    ──────── known ────────| cut |── horizon ──|
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from patron.errors import HistoryTooShortError, InputError, counted
from patron.evaluation.bootstrap import compare_with_best
from patron.evaluation.value_metrics import within_interval
from patron.evaluation.weighted import WEIGHTED_METRICS
from patron.progress import Progress, silent
from patron.reports.backtest_figures import backtest_figure
from patron.reports.figures import save_figure
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.settings.training_plan import training_plan
from patron.storage.atomic_files import write_frame, write_json
from patron.tables.history import History
from patron.training.evaluation import CHURN_METRICS, MONEY_METRICS, PATRON, Evaluation, evaluate
from patron.training.fit_bundle import fit_bundle

__all__ = ["BacktestResult", "backtest"]

SHOWN = ("auc", "average_precision", "brier", "log_loss", "calibration_error", "top_decile_lift")
SHOWN_VALUE = ("gini", "spearman", "mae", "total_bias", "top_decile_share", "coverage", "coverage_open")


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """How good the model and the baselines were at each cut.

    Attributes
    ----------
    table
        one row per cut and model: `as_of`, `model`, `customers`, `churn_rate`, the metrics, and of each
        `<metric>_best` (the baseline that is best by it), `<metric>_gain` (by how much the model is better
        than that one), `<metric>_gain_low` and `<metric>_gain_high` (paired bootstrap interval); that of
        `coverage` is `coverage_error`, how far it lies from 80 %
    deciles
        one row per cut, model and tenth of its customers: expected and actual money
    horizon_days
        days that each cut looks ahead
    files
        what was written
    """

    table: pd.DataFrame
    deciles: pd.DataFrame
    horizon_days: int
    files: tuple[Path, ...] = ()

    @property
    def means(self) -> pd.DataFrame:
        """One row per model: the mean of each metric over the cuts.

        Of `total_bias` it is the mean absolute value, so that a cut that is too high does not cancel one that
        is too low.
        """
        metrics = list(dict.fromkeys([*CHURN_METRICS, *MONEY_METRICS]))
        sized = self.table.assign(total_bias=self.table["total_bias"].abs())
        return sized.groupby("model", sort=False)[metrics].mean().reset_index()

    @property
    def churn(self) -> pd.DataFrame:
        """The means of the churn metrics."""
        return self._shown(SHOWN)

    @property
    def value(self) -> pd.DataFrame:
        """The means of the value metrics."""
        return self._shown(SHOWN_VALUE)

    def _shown(self, metrics: Sequence[str]) -> pd.DataFrame:
        means = self.means[["model", *metrics]]
        return means[means[list(metrics)].notna().any(axis=1)].reset_index(drop=True)

    def title(self) -> str:
        """The cuts that the means are taken over, as a caption."""
        cuts = self.table.drop_duplicates("as_of")
        days = ", ".join(str(day) for day in cuts["as_of"])
        return f"Mean over {counted(len(cuts), 'cut')} ({days}), {self.horizon_days} days ahead"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "horizon_days": self.horizon_days,
            "cuts": self.table.to_dict("records"),
            "means": self.means.to_dict("records"),
            "deciles": self.deciles.to_dict("records"),
            "files": [str(file) for file in self.files],
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield f"Churn. {self.title()}", self.churn
        yield f"Value. {self.title()}", self.value
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """How patron compares with the best baseline of each cut, and the files written."""
        ours = self.table[self.table["model"] == PATRON]
        lines = []
        for metric, label in (("auc", "AUC"), ("brier", "Brier score"), ("gini", "Gini of value")):
            gained = ours[f"{metric}_gain"]
            if gained.isna().all():
                continue
            won = int((ours[f"{metric}_gain_low"] > 0).sum())
            lost = int((ours[f"{metric}_gain_high"] < 0).sum())
            lines.append(
                f"{label}: better than the best baseline by {gained.mean():+.4f} in the mean; by more than "
                f"chance better in {won} and worse in {lost} of {counted(len(ours), 'cut')}."
            )
        where = [f"Written: {', '.join(str(file) for file in self.files)}."] if self.files else []
        return [*lines, *where]


def backtest(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> BacktestResult:
    """How good the model and the baselines would have been at several past days.

    Parameters
    ----------
    settings
        the tables and the horizon; `backtest` sets the number of cuts, their distance, and the folder of the
        results
    history, progress
        as in :func:`patron.workflows.train.train`

    Raises
    ------
    HistoryTooShortError
        not even one cut fits

    Examples
    --------
    >>> import patron
    >>> shop = patron.simulate(n_customers=300, days=500, seed=1)
    >>> options = {"tables": {"transactions": shop.transactions}, "horizon_days": 60, "backtest": {"cuts": 1}}
    >>> found = backtest(Settings.model_validate(options))
    >>> found.table["model"].tolist()[:3]
    ['patron', 'recency', 'BG/NBD + Gamma-Gamma']
    """
    plan = replace(training_plan(settings), inference=settings.backtest.inference)
    known = known_history(settings, history, progress)
    options = settings.backtest
    cuts = _cuts(known, plan.horizon_days, wanted=options.cuts, step_days=options.step_days)
    found: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    for number, day in enumerate(cuts, 1):

        def report(step: str, head: str = f"Cut {number} of {len(cuts)}, {day}: ") -> None:
            progress(head + step[:1].lower() + step[1:])

        bundle = fit_bundle(known.until(day), plan, progress=report)
        report(f"Predicting the {plan.horizon_days} days after, with model and baselines")
        evaluation = evaluate(
            bundle,
            known,
            active_within_days=plan.active_within_days,
            plain_trees=True,
            max_snapshots=plan.max_snapshots,
            seed=plan.seed,
        )
        report("Comparing by paired bootstrap")
        rows = _rows(evaluation, confidence=settings.train.confidence, seed=plan.seed)
        found.append((rows, evaluation.deciles.assign(as_of=day)))
    tables, deciles = zip(*found, strict=True)
    by_cut = pd.concat(deciles, ignore_index=True)
    result = BacktestResult(
        table=pd.concat(tables, ignore_index=True),
        deciles=by_cut[["as_of", *by_cut.columns.drop("as_of")]],
        horizon_days=plan.horizon_days,
    )
    folder = options.out
    if folder is None:
        return result
    progress(f"Writing {folder}")
    return _written(result, folder)


def _cuts(known: History, horizon_days: int, *, wanted: int, step_days: int | None) -> list[date]:
    """Days to predict from, oldest first; the horizon of the last one ends with the data."""
    step = step_days or horizon_days
    shortest = max(horizon_days, 14)  # of history before a cut
    days = [
        known.known_until - timedelta(days=horizon_days + number * step) for number in reversed(range(wanted))
    ]
    usable = [day for day in days if (day - known.first_day).days >= shortest]
    if not usable:
        needed = horizon_days + shortest
        there = (known.known_until - known.first_day).days
        raise HistoryTooShortError(
            f"A backtest of {horizon_days} days needs {needed} days of history and there are {there}, so "
            f"{needed - there} are missing. Take a horizon of at most {max(there // 2, 1)} days."
        )
    return usable


def _rows(evaluation: Evaluation, *, confidence: float, seed: int) -> pd.DataFrame:
    """One row per model with all metrics, each with its interval against the best baseline."""
    table = evaluation.comparison.drop(columns=["kind", "note"]).assign(as_of=evaluation.as_of)
    table = table[["as_of", *table.columns.drop("as_of")]]
    predictions, churned, value = evaluation.predictions, evaluation.churned, evaluation.value
    churn = predictions.churn
    probabilities = {name: churn[name] for name in churn if name not in predictions.rankings}
    rankings = ["auc", "average_precision", "top_decile_lift"]
    contests: list[tuple[list[str], Any, dict[str, Any]]] = []
    if 0 < churned.sum() < len(churned):
        contests.append((rankings, churned, churn))
    contests.append((["brier", "log_loss", "calibration_error"], churned, probabilities))
    money = [name for name in WEIGHTED_METRICS if name in MONEY_METRICS]
    contests.append((money, value, predictions.value))
    within = {name: within_interval(value, *ends) for name, ends in predictions.intervals.items()}
    contests.append((["coverage_error"], value, within))
    for metrics, outcome, by_model in contests:
        baselines = [name for name in by_model if name != PATRON]
        if not baselines:
            continue
        found = compare_with_best(
            metrics,
            outcome,
            by_model,
            baselines,
            level=confidence,
            random_state=seed,
        )
        for metric, rows in found.groupby("metric", sort=False):
            rows = rows.set_index("model")
            columns = {"best_baseline": "best", "advantage": "gain"}
            columns |= {"advantage_low": "gain_low", "advantage_high": "gain_high"}
            for column, ending in columns.items():
                table[f"{metric}_{ending}"] = table["model"].map(rows[column])
    wanted = [f"{metric}_gain{end}" for metric in WEIGHTED_METRICS for end in ("", "_low", "_high")]
    return table.reindex(columns=[*table.columns, *(name for name in wanted if name not in table.columns)])


def _written(result: BacktestResult, folder: Path) -> BacktestResult:
    if folder.is_file():
        raise InputError(f"Cannot write to {str(folder)!r}: it is a file. Name a folder.")
    files = [
        write_frame(result.table, folder / "backtest.csv"),
        write_frame(result.deciles, folder / "deciles.csv"),
        save_figure(backtest_figure(result.table), folder / "backtest.png"),
        folder / "backtest.json",
    ]
    written = replace(result, files=tuple(files))
    write_json(written.to_dict(), files[-1])
    return written
