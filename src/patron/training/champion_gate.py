"""Which version is champion: the gate that a challenger has to pass.

::

    promoted by hand?                    → champion, and tagged as such
    value model did not converge?        → challenger
    better than the baselines?           → else challenger       } on the newest labelled snapshot, by more
    better than the present champion?    → else challenger       } than chance: paired bootstrap

Better than the baselines means: a lower Brier score than the best of those that give probabilities, or a
higher AUC than the best of all, by more than chance, and in neither of the two worse by more than chance. The
champion has to be beaten in the Brier score. A champion with another target (another horizon, features that
the tables do not have) cannot be compared: it stays until a user promotes another version by hand.
"""

from dataclasses import dataclass

import pandas as pd

from patron.errors import ModelError, ModelNotFoundError, PatronError
from patron.evaluation.bootstrap import Advantage, compare_with_best, paired_bootstrap
from patron.evaluation.metrics import one_class_reason
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.prediction import predict_rows
from patron.tables.history import History
from patron.tracking.registry import CHAMPION, MODEL_NAME, load_bundle
from patron.tracking.store import Store
from patron.training.evaluation import BTYD, PATRON, Evaluation
from patron.training.labelled_snapshots import read_labelled_snapshots
from patron.training.promotion import PromotionDecision

__all__ = ["Challenger", "decide_promotion"]

MIN_CUSTOMERS = 50  # of the newest labelled snapshot
BY_HAND = "it was promoted by hand"
NOT_CONVERGED = "its value model did not converge"
NOT_TESTED = "the history is too short to test it on days that it has not seen"
CLASSIFIER_NOT_TESTED = "the history is too short to test its classifier on days that it has not seen"


@dataclass(frozen=True, slots=True)
class Challenger:
    """A new bundle, and how good the same procedure was on the newest labelled snapshot.

    Attributes
    ----------
    bundle
        the new bundle, fitted on all that is known
    evaluation
        of a bundle fitted the same way one horizon earlier; None where the history is too short
    history
        what is known; a champion with other features gets them from here
    """

    bundle: Bundle
    evaluation: Evaluation | None
    history: History


def decide_promotion(
    store: Store, challenger: Challenger, *, promote: bool = False, confidence: float = 0.95
) -> PromotionDecision:
    """Whether the challenger beats the baselines and the present champion.

    Parameters
    ----------
    store
        where the champion is
    challenger
        the new version
    promote
        whether it becomes champion whatever the comparison shows
    confidence
        confidence level of the bootstrap intervals

    Raises
    ------
    ModelError
        the store is locked or cannot be reached

    Examples
    --------
    See :func:`patron.workflows.train.train`.
    """
    baselines = _against_baselines(challenger, confidence)
    if promote:
        doubt = "" if baselines.promoted else f", although {baselines.reason}"
        return PromotionDecision(True, BY_HAND + doubt, by_hand=True)
    if not baselines.promoted:
        return baselines
    assert challenger.evaluation is not None
    try:
        champion, version = load_bundle(store, f"models:/{MODEL_NAME}@{CHAMPION}")
    except ModelNotFoundError:
        return PromotionDecision(True, f"{baselines.reason}, and there is no champion yet")
    except ModelError:  # it cannot score any customer either
        return PromotionDecision(True, f"{baselines.reason}, and the champion before it cannot be read")
    name = f"champion (version {version.version})" if version is not None else "champion"
    return _against_champion(champion, name, challenger, challenger.evaluation, confidence)


def _against_baselines(challenger: Challenger, confidence: float) -> PromotionDecision:
    bundle, evaluation = challenger.bundle, challenger.evaluation
    if not _converged(bundle):
        return PromotionDecision(False, NOT_CONVERGED, remedy='Train again with another inference ("nuts").')
    if evaluation is None:
        return PromotionDecision(False, NOT_TESTED)
    if bundle.churn is not None and evaluation.bundle.churn is None:
        return PromotionDecision(False, CLASSIFIER_NOT_TESTED)
    n_customers = len(evaluation.churned)
    if n_customers < MIN_CUSTOMERS:
        return PromotionDecision(
            False,
            f"the newest labelled snapshot has {n_customers} customers, and with fewer than {MIN_CUSTOMERS} "
            "no difference can be told from chance",
        )
    one_class = one_class_reason(evaluation.churned)
    if one_class:
        return PromotionDecision(False, one_class.removesuffix("."))
    rivals = [
        name
        for name in evaluation.predictions.churn
        if name != PATRON and not (name == BTYD and evaluation.bundle.churn is None)  # the same model
    ]
    probabilities = [name for name in rivals if name not in evaluation.predictions.rankings]
    brier = _best(evaluation, "brier", probabilities, confidence)
    auc = _best(evaluation, "auc", rivals, confidence)
    found = [row for row in (brier, auc) if row is not None]
    words = " and ".join(_words(advantage, rival) for advantage, rival in found)
    wins = [advantage.is_win for advantage, _ in found]
    losses = [advantage.is_loss for advantage, _ in found]
    if any(wins) and not any(losses):
        return PromotionDecision(True, f"it beats the baselines by more than chance: {words}")
    how = "is worse than a baseline" if any(losses) else "does not beat the baselines by more than chance"
    return PromotionDecision(False, f"it {how}: {words}")


def _against_champion(
    champion: Bundle, name: str, challenger: Challenger, evaluation: Evaluation, confidence: float
) -> PromotionDecision:
    remedy = "To replace the champion, promote this version: patron promote, or train with --promote."
    ours, theirs = _target(challenger.bundle), _target(champion)
    if ours != theirs:
        differs = f"has another target: it predicts {theirs}, and this one {ours}"
        return PromotionDecision(
            False,
            f"it beats the baselines, but the {name} {differs}; they cannot be compared",
            remedy=remedy,
        )
    try:
        rows = _rows_for(champion, challenger, evaluation)
        rival = predict_rows(champion, rows)["churn_probability"]
    except PatronError as refused:
        reason = f"it beats the baselines, but the {name} cannot predict these customers: {refused}"
        return PromotionDecision(False, reason.removesuffix("."), remedy=remedy)
    gained = paired_bootstrap("brier", evaluation.churned, evaluation.probability, rival, level=confidence)
    seen = ", which has seen some of these outcomes" if champion.as_of > evaluation.as_of else ""
    compared = f"against the {name}{seen}, its Brier score is {gained}"
    if gained.is_win:
        return PromotionDecision(True, f"it beats the baselines and, {compared}")
    chance = "that is worse" if gained.is_loss else "that may be chance"
    return PromotionDecision(False, f"{compared}, and {chance}")


def _best(
    evaluation: Evaluation, metric: str, baselines: list[str], confidence: float
) -> tuple[Advantage, str] | None:
    """patron's advantage over the baseline that is best by this metric, and its name; None without any."""
    if not baselines:
        return None
    churn = {name: evaluation.predictions.churn[name] for name in (PATRON, *baselines)}
    row = compare_with_best([metric], evaluation.churned, churn, baselines, level=confidence).iloc[0]
    advantage = Advantage(metric, row["advantage"], row["advantage_low"], row["advantage_high"], confidence)
    return advantage, str(row["best_baseline"])


def _words(advantage: Advantage, rival: str) -> str:
    label = {"brier": "Brier score", "auc": "AUC"}[advantage.metric]
    return f"its {label} is {advantage} than that of {rival}"


def _target(bundle: Bundle) -> str:
    return f"{bundle.catalogue.churn} in {bundle.horizon_days} days"


def _converged(bundle: Bundle) -> bool:
    fits = (bundle.value.purchases.diagnostics_, bundle.value.spend.diagnostics_)
    return all(fit is None or fit.converged for fit in fits)  # None: nothing had to be fitted


def _rows_for(champion: Bundle, challenger: Challenger, evaluation: Evaluation) -> pd.DataFrame:
    """The champion's features of the customers of the snapshot, in their order."""
    rows = evaluation.snapshot.rows
    if champion.catalogue == evaluation.bundle.catalogue:
        return rows
    (theirs,) = read_labelled_snapshots(
        challenger.history, [[evaluation.as_of]], champion.horizon_days, champion.catalogue
    )
    return rows[["customer_id"]].merge(theirs.rows, how="left", validate="one_to_one")
