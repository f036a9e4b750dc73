"""Was the control group drawn by lot? What was known before the contact must not tell who was contacted.

Two questions are asked. Does any single feature differ between the groups: the standardised mean difference,
in standard deviations. And can trees tell the groups apart from all features together: a classifier
two-sample test, whose AUC on customers that it has not seen is 0.5 when the lot decided.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr
from scipy.stats import rankdata

from patron.arrays import Floats
from patron.campaigns.uplift.arms import check_groups
from patron.campaigns.uplift.learners import Trees, Trial, folds_of
from patron.errors import InputError, some
from patron.models.encoding import FeatureEncoder

__all__ = ["Randomness", "check_randomness"]


_FOLDS = 3
_LARGE = 0.1  # standard deviations: the usual bar in the literature on matching
_SURE = 4.5  # standard errors: with hundreds of features some lie beyond three by chance
_RARE = 0.001  # probability of so high an AUC if the lot decided


@dataclass(frozen=True, slots=True)
class Randomness:
    """Whether the groups look as if drawn by lot.

    Attributes
    ----------
    balance
        one row per feature, the most different first: `feature`, `contacted`, `control` (means; of a
        category the share of the level that differs most, named in `level`), `difference` (standardised mean
        difference) and `errors` (the same in standard errors)
    auc
        how well trees tell the groups apart, 0.5 if not at all
    p_value
        probability of so high an AUC if the lot decided
    contacted, control
        counts
    """

    balance: pd.DataFrame
    auc: float
    p_value: float
    contacted: int
    control: int

    @property
    def unbalanced(self) -> list[str]:
        """Features that differ by more than a tenth of a standard deviation, and by more than chance."""
        table = self.balance
        far = (table["difference"].abs() > _LARGE) & (table["errors"].abs() > _SURE)
        return table.loc[far, "feature"].tolist()

    @property
    def is_random(self) -> bool:
        """Whether nothing speaks against a lot."""
        return not self.unbalanced and self.p_value >= _RARE

    def sentence(self) -> str:
        """What was found, in words.

        Examples
        --------
        >>> X = pd.DataFrame({"orders": np.arange(400)})
        >>> check_randomness(X, X["orders"] > 199).sentence()
        'The control group was not drawn by lot: trees tell 200 contacted customers from 200 others with an
        AUC of 1.000, and the groups differ in orders.'
        """
        told = (
            f"trees tell {self.contacted:,} contacted customers from {self.control:,} others with an AUC of "
            f"{self.auc:.3f}"
        )
        if self.is_random:
            return f"The control group looks random: {told}."
        apart = f", and the groups differ in {some(self.unbalanced)}" if self.unbalanced else ""
        return f"The control group was not drawn by lot: {told}{apart}."


def check_randomness(X: pd.DataFrame, treated: Any, *, n_jobs: int = 2, random_state: int = 0) -> Randomness:
    """Whether what was known before the contact tells who was contacted.

    Parameters
    ----------
    X
        (n_customers, n_features) what was known before the contact; numbers and categories
    treated
        (n_customers,) 1 contacted, 0 of the control group
    n_jobs
        most threads
    random_state
        seed

    Raises
    ------
    InputError
        nobody was contacted, or everybody; lengths differ
    TooFewCustomersError
        too few of either group

    Notes
    -----
    The standardised difference is (m₁ - m₀) / √((v₁ + v₀)/2); missing values are a feature of their own,
    counted where they differ more than the values. The AUC is the mean over three folds; if the lot decided,
    its variance in a fold with n₁ and n₀ customers is (n₁ + n₀ + 1)/(12·n₁·n₀).

    References
    ----------
    Austin (2009), Statistics in Medicine 28, 3083-3107 (differences). Lopez-Paz & Oquab (2017), Revisiting
    classifier two-sample tests, ICLR.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"orders": rng.poisson(3, 2000), "plan": ["basic", "gold"] * 1000})
    >>> check_randomness(X, rng.random(2000) < 0.5).is_random
    True
    >>> check_randomness(X, X["orders"] > 3).unbalanced
    ['orders']
    """
    contacted = pd.Series(treated).to_numpy(dtype=np.float64, na_value=np.nan)
    if len(contacted) != len(X):
        raise InputError(f"treated has {len(contacted)} customers and X has {len(X)}. Give one for each.")
    check_groups(contacted)
    encoder = FeatureEncoder.learn(X)
    matrix = encoder.encode(X)
    balance = pd.DataFrame(
        [_compare(name, matrix[:, at], encoder, contacted == 1) for at, name in enumerate(encoder.names)]
    )
    order = np.argsort(-balance["difference"].abs().fillna(0).to_numpy(), kind="stable")
    trial = Trial(matrix, contacted, contacted, None)
    trees = Trees(
        n_trees=50, categories=tuple(encoder.category_positions), n_jobs=n_jobs, random_state=random_state
    )
    auc, p_value = _two_sample_test(trial, trees)
    groups = int(contacted.sum()), int((1 - contacted).sum())
    return Randomness(balance.iloc[order].reset_index(drop=True), auc, p_value, *groups)


def _compare(
    name: str, column: npt.NDArray[np.float32], encoder: FeatureEncoder, contacted: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    """The values, the share of missing ones and, of a category, each level: whichever differs most."""
    values = column.astype(np.float64)
    missing = np.isnan(values)
    candidates = {"missing": missing.astype(np.float64)}
    if name in encoder.levels:
        candidates |= {
            level: (values == code).astype(np.float64) for code, level in enumerate(encoder.levels[name])
        }
    else:
        candidates |= {"": np.where(missing, np.nan, values)}
    found = [
        {"feature": name, "level": level, **_difference(numbers, contacted)}
        for level, numbers in candidates.items()
    ]
    return max(found, key=lambda row: abs(row["difference"]))


def _difference(numbers: Floats, contacted: npt.NDArray[np.bool_]) -> dict[str, float]:
    one, other = (group[~np.isnan(group)] for group in (numbers[contacted], numbers[~contacted]))
    if min(len(one), len(other)) < 2:
        return {"contacted": np.nan, "control": np.nan, "difference": 0.0, "errors": 0.0}
    gap = float(one.mean() - other.mean())
    spread = float(np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2))
    error = float(np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)))
    if spread == 0:  # both constant: equal, or told apart for certain
        certain = 0.0 if gap == 0 else float(np.copysign(1e6, gap))
        return {
            "contacted": float(one.mean()),
            "control": float(other.mean()),
            "difference": certain,
            "errors": certain,
        }
    return {
        "contacted": float(one.mean()),
        "control": float(other.mean()),
        "difference": gap / spread,
        "errors": gap / error,
    }


def _two_sample_test(trial: Trial, trees: Trees) -> tuple[float, float]:
    fold = folds_of(trial, _FOLDS, trees.random_state)
    aucs, variances = [], []
    for number in range(_FOLDS):
        aside = trial[fold == number]
        score = trees.of_outcome(trial.matrix[fold != number], trial.treated[fold != number])(aside.matrix)
        n1 = aside.treated.sum()
        n0 = len(aside.treated) - n1
        ranks = rankdata(score)[aside.treated == 1].sum()
        aucs.append((ranks - n1 * (n1 + 1) / 2) / (n1 * n0))
        variances.append((n1 + n0 + 1) / (12 * n1 * n0))
    auc = float(np.mean(aucs))
    error = np.sqrt(np.sum(variances)) / _FOLDS
    return auc, float(1 - ndtr((auc - 0.5) / error))
