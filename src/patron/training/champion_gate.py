"""Which version is champion: the gate that a newcomer has to pass.

::

    promoted by hand?                    → champion, and tagged as such
    value model did not converge?        → challenger
    better than the simple rules?        → else challenger       } on the newest matured snapshot, by more
    better than the present champion?    → else challenger       } than chance: paired bootstrap

Better than the rules means: a lower Brier score than the best of those that give probabilities, or a higher
AUC than the best of all, by more than chance, and in neither of the two worse by more than chance. The
champion has to be beaten in the Brier score. One that answers another question (another horizon, features
that the tables do not have) cannot be compared: it stays until somebody promotes another by hand.
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
from patron.training.baselines import BTYD
from patron.training.evaluation import PATRON, Evaluation
from patron.training.labelled_snapshots import read_parts

__all__ = ["Candidate", "Verdict", "judge"]

FEWEST_TO_JUDGE = 50  # customers of the newest matured snapshot
FORCED = "it was promoted by hand"
NOT_CONVERGED = "its value model did not converge"
NOT_TESTED = "the history is too short to test it on days that it has not seen"
CLASSIFIER_NOT_TESTED = "the history is too short to test its classifier on days that it has not seen"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the newcomer becomes champion, and why: words that go on "because …".

    Attributes
    ----------
    wins
        it becomes champion
    reason
        why, or why not
    by_hand
        somebody asked for it, whatever the comparison says
    remedy
        what to do about it, a sentence; "" where there is nothing to do

    Examples
    --------
    >>> Verdict(True, FORCED, by_hand=True).wins
    True
    """

    wins: bool
    reason: str
    by_hand: bool = False
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A newcomer, and how good its like was on the newest matured snapshot.

    Attributes
    ----------
    bundle
        the newcomer, fitted on all that is known
    evaluation
        of a bundle fitted the same way one horizon earlier; None where the history is too short
    history
        what is known; a champion with other features gets them from here
    """

    bundle: Bundle
    evaluation: Evaluation | None
    history: History


def judge(store: Store, candidate: Candidate, *, promote: bool = False, level: float = 0.95) -> Verdict:
    """The newcomer against the simple rules and the present champion.

    Parameters
    ----------
    store
        where the champion is
    candidate
        the newcomer
    promote
        it becomes champion whatever the comparison says
    level
        probability that the bootstrap intervals hold

    Returns
    -------
    Verdict

    Raises
    ------
    ModelError
        the store is locked or cannot be reached

    Examples
    --------
    See :func:`patron.workflows.train.train`.
    """
    against_rules = _against_rules(candidate, level)
    if promote:
        doubt = "" if against_rules.wins else f", although {against_rules.reason}"
        return Verdict(True, FORCED + doubt, by_hand=True)
    if not against_rules.wins:
        return against_rules
    assert candidate.evaluation is not None
    try:
        champion, version = load_bundle(store, f"models:/{MODEL_NAME}@{CHAMPION}")
    except ModelNotFoundError:
        return Verdict(True, f"{against_rules.reason}, and there is no champion yet")
    except ModelError:  # such a champion cannot score anyone
        return Verdict(True, f"{against_rules.reason}, and the champion before it cannot be read")
    name = f"champion (version {version.version})" if version is not None else "champion"
    return _against_champion(champion, name, candidate, candidate.evaluation, level)


def _against_rules(candidate: Candidate, level: float) -> Verdict:
    bundle, evaluation = candidate.bundle, candidate.evaluation
    if not _converged(bundle):
        return Verdict(False, NOT_CONVERGED, remedy='Train again with another inference ("nuts").')
    if evaluation is None:
        return Verdict(False, NOT_TESTED)
    if bundle.churn is not None and evaluation.bundle.churn is None:
        return Verdict(False, CLASSIFIER_NOT_TESTED)
    n_customers = len(evaluation.left)
    if n_customers < FEWEST_TO_JUDGE:
        return Verdict(
            False,
            f"the newest matured snapshot has {n_customers} customers, and below {FEWEST_TO_JUDGE} nothing "
            "can be told from chance",
        )
    one_class = one_class_reason(evaluation.left)
    if one_class:
        return Verdict(False, one_class.removesuffix("."))
    rules = {
        name: said
        for name, said in evaluation.said.churn.items()
        if name != PATRON and not (name == BTYD and evaluation.bundle.churn is None)  # that is itself
    }
    brier = _best(
        evaluation, "brier", [name for name in rules if name not in evaluation.said.rankings], level
    )
    auc = _best(evaluation, "auc", list(rules), level)
    found = [row for row in (brier, auc) if row is not None]
    words = " and ".join(_words(advantage, rival) for advantage, rival in found)
    wins = [advantage.is_win for advantage, _ in found]
    losses = [advantage.is_loss for advantage, _ in found]
    if any(wins) and not any(losses):
        return Verdict(True, f"it beats the simple rules by more than chance: {words}")
    how = (
        "is worse than a simple rule" if any(losses) else "does not beat the simple rules by more than chance"
    )
    return Verdict(False, f"it {how}: {words}")


def _against_champion(
    champion: Bundle, name: str, candidate: Candidate, evaluation: Evaluation, level: float
) -> Verdict:
    replace = "If it shall take the champion's place, promote it: patron promote, or train with --promote."
    if _question(champion) != _question(candidate.bundle):
        ahead = f"answers another question: {_question(champion)}, and this one {_question(candidate.bundle)}"
        return Verdict(
            False,
            f"it beats the simple rules, but the {name} {ahead}; they cannot be compared",
            remedy=replace,
        )
    try:
        rows = _rows_for(champion, candidate, evaluation)
        theirs = predict_rows(champion, rows)["churn_probability"]
    except PatronError as refused:
        reason = f"it beats the simple rules, but the {name} cannot predict these customers: {refused}"
        return Verdict(False, reason.removesuffix("."), remedy=replace)
    gained = paired_bootstrap("brier", evaluation.left, evaluation.probability, theirs, level=level)
    seen = ", which has seen some of these outcomes" if champion.as_of > evaluation.as_of else ""
    compared = f"against the {name}{seen}, its Brier score is {gained}"
    if gained.is_win:
        return Verdict(True, f"it beats the simple rules and, {compared}")
    chance = "that is worse" if gained.is_loss else "that may be chance"
    return Verdict(False, f"{compared}, and {chance}")


def _best(
    evaluation: Evaluation, metric: str, rules: list[str], level: float
) -> tuple[Advantage, str] | None:
    """patron's advantage over the rule that is best by this metric; None where there is none."""
    if not rules:
        return None
    said = {name: evaluation.said.churn[name] for name in (PATRON, *rules)}
    row = compare_with_best([metric], evaluation.left, said, rules, level=level).iloc[0]
    advantage = Advantage(metric, row["advantage"], row["advantage_low"], row["advantage_high"], level)
    return advantage, str(row["best_baseline"])


def _words(advantage: Advantage, rival: str) -> str:
    label = {"brier": "Brier score", "auc": "AUC"}[advantage.metric]
    return f"its {label} is {advantage} than that of {rival}"


def _question(bundle: Bundle) -> str:
    return f"it predicts {bundle.catalogue.churn} in {bundle.horizon_days} days"


def _converged(bundle: Bundle) -> bool:
    fits = (bundle.value.purchases.diagnostics_, bundle.value.spend.diagnostics_)
    return all(fit is None or fit.converged for fit in fits)  # None: nothing had to be fitted


def _rows_for(champion: Bundle, candidate: Candidate, evaluation: Evaluation) -> pd.DataFrame:
    """The features that the champion takes, of the customers of the snapshot, in their order."""
    rows = evaluation.snapshot.rows
    if champion.catalogue == evaluation.bundle.catalogue:
        return rows
    (theirs,) = read_parts(candidate.history, [[evaluation.as_of]], champion.horizon_days, champion.catalogue)
    return rows[["customer_id"]].merge(theirs.rows, how="left", validate="one_to_one")
