"""Which version is champion: the rule by which a newcomer takes the place.

Champion and newcomer predict the same customers of the newest matured snapshot; the lower Brier score wins.
A champion that answers another question (another horizon, features that the tables do not have) cannot be
compared and stays; so it does where the newcomer's value model did not converge.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.errors import ModelError, ModelNotFoundError, PatronError
from patron.evaluation.metrics import churn_metrics
from patron.features.assemble import assemble_features
from patron.models.bundle import Bundle
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.tracking.registry import CHAMPION, MODEL_NAME, load_bundle
from patron.tracking.store import Store
from patron.workflows.matured import Part

__all__ = ["Candidate", "Verdict", "judge"]

type Floats = npt.NDArray[np.float64]

FIRST = "it is the first version"
FORCED = "it was promoted by hand"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the newcomer becomes champion, and why: words that go on "because …".

    Examples
    --------
    >>> Verdict(True, FIRST)
    Verdict(wins=True, reason='it is the first version')
    """

    wins: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A newcomer and what it predicted for the newest matured snapshot.

    Attributes
    ----------
    bundle : the newcomer
    probability : (n_customers,) probability of leaving, in the order of `test`
    test : the snapshot
    as_of : its day
    history : what is known; a champion with other features gets them from here
    """

    bundle: Bundle
    probability: Floats
    test: Part
    as_of: date
    history: History


def judge(store: Store, candidate: Candidate, *, promote: bool = False) -> Verdict:
    """The newcomer against the present champion.

    Parameters
    ----------
    store : where the champion is
    candidate : the newcomer
    promote : it becomes champion whatever the comparison says

    Returns
    -------
    Verdict

    Raises
    ------
    ModelError : the store is locked or cannot be reached

    Examples
    --------
    See :func:`patron.workflows.train.train`.
    """
    try:
        champion, version = load_bundle(store, f"models:/{MODEL_NAME}@{CHAMPION}")
    except ModelNotFoundError:
        return Verdict(True, FIRST)
    except ModelError:  # such a champion cannot score anyone
        return Verdict(True, "the champion before it cannot be read")
    if promote:
        return Verdict(True, FORCED)
    if not _converged(candidate.bundle):
        return Verdict(False, "its value model did not converge")
    name = f"champion (version {version.version})" if version is not None else "champion"
    if champion.churn is None or champion.horizon_days != candidate.bundle.horizon_days:
        ahead = f"predicts {champion.horizon_days} days ahead and this one {candidate.bundle.horizon_days}"
        return Verdict(False, f"the {name} {ahead}, so they cannot be compared")
    try:
        theirs = champion.churn.predict_proba(_features_for(champion, candidate))[:, 1]
    except PatronError as refused:
        return Verdict(False, f"the {name} cannot predict these customers: {refused}")
    left = candidate.test.churned.to_numpy()
    own, other = (churn_metrics(left, p)["brier"] for p in (candidate.probability, theirs))
    compared = (
        f"its Brier score on the newest matured snapshot is {own:.4f} and that of the {name} {other:.4f}"
    )
    return Verdict(own < other, compared)


def _converged(bundle: Bundle) -> bool:
    fits = (bundle.value.purchases.diagnostics_, bundle.value.spend.diagnostics_)
    return all(fit is None or fit.converged for fit in fits)  # None: nothing had to be fitted


def _features_for(champion: Bundle, candidate: Candidate) -> pd.DataFrame:
    """The features that the champion takes, of the customers of the snapshot, in their order."""
    if champion.catalogue == candidate.bundle.catalogue:
        return candidate.test.features(candidate.bundle.catalogue)
    spine = make_spine(candidate.history, candidate.as_of)
    features = assemble_features(candidate.history, spine, champion.catalogue).to_pandas()
    return candidate.test.rows[["customer_id"]].merge(features, how="left", validate="one_to_one")
