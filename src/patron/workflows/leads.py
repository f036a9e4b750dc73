"""Leads and their events → points, conversion probability and stage of each lead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from patron.errors import TooFewCustomersError, counted
from patron.evaluation.bootstrap import Advantage, paired_bootstrap
from patron.evaluation.metrics import churn_metrics
from patron.models.leads import LeadRules, conversion_by_decile, fit_lead_model, lead_rows, lead_stages
from patron.progress import Progress, silent
from patron.results import plain_fields
from patron.settings import Settings
from patron.settings.inputs import read_records, warn_of_rejected

__all__ = ["LeadScores", "score_leads"]

_TEST_SHARE = 0.3  # of the matured leads, the newest
_POINTS = ("fit_points", "intent_points")


@dataclass(frozen=True, slots=True)
class LeadScores:
    """The result of `score_leads`.

    Attributes
    ----------
    leads
        one row per lead whose horizon is not over: lead_id, created_at, points, probability (NaN without
        a model), stage ("unqualified", "mql" or "sql"; None without a probability)
    deciles
        conversion by decile of points and of model scores, on test leads
    comparison
        on the test leads: `model` ("rule" or "model"), leads, auc, brier, calibration_error
    advantage
        AUC of the model less that of the points, on the test leads; None without a model
    why_no_model
        the reason if there is no model; None otherwise
    """

    leads: pd.DataFrame
    deciles: pd.DataFrame
    comparison: pd.DataFrame
    advantage: Advantage | None = None
    why_no_model: str | None = None

    def sentences(self) -> list[str]:
        """The verdict and the number of leads by stage, in sentences."""
        if self.advantage is None:
            return [self.why_no_model or "There is no model of conversion."]
        verdict = (
            "is better than the points" if self.advantage.is_win else "is not clearly better than the points"
        )
        counts = self.leads["stage"].value_counts()
        stages = ((int(counts.get(stage, 0)), stage) for stage in ("sql", "mql", "unqualified"))
        return [
            f"The model {verdict}: its AUC on the newest leads is {self.advantage} than theirs.",
            *(f"{counted(count, 'lead is', 'leads are')} {stage}." for count, stage in stages),
        ]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return plain_fields(self, "leads", "deciles", "comparison", "why_no_model")


def score_leads(
    settings: Settings,
    *,
    rules: LeadRules,
    value: float,
    marketing_cost: float,
    sales_cost: float,
    age_days: int = 7,
    horizon_days: int = 60,
    progress: Progress = silent,
) -> LeadScores:
    """Points, probability and stage of every open lead, and the accuracy of both scores on past leads.

    Parameters
    ----------
    settings
        `tables` with leads and lead_events; as_of None takes the last day of the events
    rules
        the point rules
    value
        money, value of a converted lead before handling cost
    marketing_cost, sales_cost
        money per lead
    age_days
        age at which leads are scored
    horizon_days
        days after that age in which a conversion counts
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        a table is not given or cannot be used

    Examples
    --------
    >>> import patron
    >>> shop = patron.simulate(1500, days=540, seed=2)
    >>> chosen = Settings(tables={"leads": shop.leads, "lead_events": shop.lead_events})
    >>> rules = LeadRules(intent={"visit": 2, "download": 5, "demo_booked": 20, "unsubscribed": -15})
    >>> found = score_leads(chosen, rules=rules, value=200.0, marketing_cost=4.0, sales_cost=40.0)
    >>> found.comparison["model"].tolist(), bool((found.comparison["auc"] > 0.6).all())
    (['rule', 'model'], True)
    """
    progress("Reading the leads")
    records = read_records(settings, "leads", "lead_events")
    warn_of_rejected(records.report)
    leads = records["leads"].order_by("lead_id").to_pandas()
    events = records["lead_events"].order_by("lead_id", "event_at", "kind").to_pandas()
    last: date = settings.as_of or events["event_at"].max().date()
    progress("Computing the features of each lead")
    rows = lead_rows(leads, events, age_days=age_days, horizon_days=horizon_days, last=last, rules=rules)
    points = rows[list(_POINTS)].sum(axis=1)
    rows, ripe = rows.drop(columns=list(_POINTS)), rows["converts"].notna()
    current = rows.loc[~ripe, ["lead_id", "created_at"]].assign(points=points[~ripe])
    progress("Fitting the conversion model")
    try:
        comparison, deciles, advantage = _on_the_newest(rows[ripe], points[ripe], age_days + horizon_days)
        model = fit_lead_model(rows, random_state=settings.seed)
    except TooFewCustomersError as few:
        nothing = current.assign(probability=np.nan, stage=None)
        return LeadScores(nothing, pd.DataFrame(), pd.DataFrame(), why_no_model=str(few))
    chance = model.predict_proba(rows[~ripe])[:, 1] if len(current) else np.empty(0)
    stages = lead_stages(chance, value, marketing_cost=marketing_cost, sales_cost=sales_cost)
    return LeadScores(current.assign(probability=chance, stage=stages), deciles, comparison, advantage)


def _on_the_newest(
    ripe: pd.DataFrame, points: "pd.Series[float]", days: int
) -> tuple[pd.DataFrame, pd.DataFrame, Advantage]:
    """Both scores on the newest leads, with a model of the leads whose outcome was known before."""
    first = ripe["created_at"].iloc[int(len(ripe) * (1 - _TEST_SHARE))] if len(ripe) else pd.Timestamp.min
    newest = ripe["created_at"] >= first
    known = ripe["created_at"] + pd.Timedelta(days=days) < first
    model = fit_lead_model(ripe[known])
    test, outcome = ripe[newest], ripe.loc[newest, "converts"].to_numpy()
    share = float(ripe.loc[known, "converts"].mean())
    scores = {"rule": points[newest].to_numpy(), "model": model.predict_proba(test)[:, 1]}
    metrics: list[Mapping[str, Any]] = []
    for name, score in scores.items():
        is_model = name == "model"
        found = churn_metrics(outcome, score if is_model else _as_shares(score, share))
        shown = {"auc": found["auc"]}
        for metric in ("brier", "calibration_error"):  # points are not probabilities
            shown[metric] = found[metric] if is_model else np.nan
        metrics.append({"model": name, "leads": len(test), **shown})
    deciles = [conversion_by_decile(score, outcome).assign(model=name) for name, score in scores.items()]
    advantage = paired_bootstrap("auc", outcome, scores["model"], scores["rule"])
    return pd.DataFrame(metrics), pd.concat(deciles, ignore_index=True), advantage


def _as_shares(points: Any, share: float) -> Any:
    """Points scaled to [0, 1], which the metrics require."""
    spread = points.max() - points.min()
    return np.full(points.size, share) if spread == 0 else (points - points.min()) / spread
