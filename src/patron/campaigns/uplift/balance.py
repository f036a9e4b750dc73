"""The covariate balance check: does the control group look randomised?

Two tests. Does any single feature differ between the groups: the standardised mean difference, in standard
deviations. And can trees distinguish the groups by all features together: a classifier two-sample test,
whose out-of-fold AUC is 0.5 under randomisation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import rankdata

from patron.arrays import Flags, Floats, Matrix
from patron.campaigns.uplift.control_group import check_control_group
from patron.campaigns.uplift.outcome_trees import OutcomeTrees
from patron.campaigns.uplift.trial import Trial, stratified_folds
from patron.checks import same_length
from patron.errors import some
from patron.models.encoding import FeatureEncoder

__all__ = ["BalanceCheck", "check_balance"]


_FOLDS = 3
_LARGE = 0.1  # standard deviations: the usual threshold in the matching literature
_SIGNIFICANT = 4.5  # standard errors: with hundreds of features some exceed three by chance
_RARE = 0.001  # p-value of the AUC below which the groups do not count as randomised


@dataclass(frozen=True, slots=True)
class BalanceCheck:
    """Whether treated and control customers look randomised.

    Attributes
    ----------
    balance
        one row per feature, largest difference first: `feature`, `treated`, `control` (means; for a category
        the share of the level that differs most, named in `level`), `difference` (standardised mean
        difference) and `errors` (the same in standard errors)
    auc
        AUC of trees that distinguish the groups; 0.5 under randomisation
    p_value
        probability of an AUC this high under randomisation
    treated, control
        number of customers
    """

    balance: pd.DataFrame
    auc: float
    p_value: float
    treated: int
    control: int

    @property
    def imbalanced(self) -> list[str]:
        """Features that differ by more than a tenth of a standard deviation and by more than chance."""
        table = self.balance
        far = (table["difference"].abs() > _LARGE) & (table["errors"].abs() > _SIGNIFICANT)
        return table.loc[far, "feature"].tolist()

    @property
    def is_randomised(self) -> bool:
        """Whether the data are consistent with randomisation."""
        return not self.imbalanced and self.p_value >= _RARE

    def sentence(self) -> str:
        """The result in words.

        Examples
        --------
        >>> X = pd.DataFrame({"orders": np.arange(400)})
        >>> check_balance(X, X["orders"] > 199).sentence()
        'The control group was not randomised: trees distinguish 200 treated from 200 control customers with
        an AUC of 1.000, and the groups differ in orders.'
        """
        found = (
            f"trees distinguish {self.treated:,} treated from {self.control:,} control customers with an AUC "
            f"of {self.auc:.3f}"
        )
        if self.is_randomised:
            return f"The control group looks randomised: {found}."
        apart = f", and the groups differ in {some(self.imbalanced)}" if self.imbalanced else ""
        return f"The control group was not randomised: {found}{apart}."


def check_balance(X: pd.DataFrame, treated: Any, *, n_jobs: int = 2, random_state: int = 0) -> BalanceCheck:
    """Whether features known before the contact predict who was treated.

    Parameters
    ----------
    X
        (n_customers, n_features) features known before the contact; numbers and categories
    treated
        (n_customers,) 1 treated, 0 control
    n_jobs
        maximum number of threads
    random_state
        random seed

    Raises
    ------
    InputError
        there are no treated or no control customers, or lengths differ
    TooFewCustomersError
        one of the groups is too small

    Notes
    -----
    The standardised difference is (m₁ - m₀) / √((v₁ + v₀)/2); the share of missing
    values is compared too, and reported if it differs more than the values. The AUC is the mean over three
    folds; under randomisation its variance in a fold with n₁ and n₀ customers is (n₁ + n₀ + 1)/(12·n₁·n₀).

    References
    ----------
    Austin (2009), Statistics in Medicine 28, 3083-3107 (differences). Lopez-Paz & Oquab (2017), Revisiting
    classifier two-sample tests, ICLR.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"orders": rng.poisson(3, 2000), "plan": ["basic", "gold"] * 1000})
    >>> check_balance(X, rng.random(2000) < 0.5).is_randomised
    True
    >>> check_balance(X, X["orders"] > 3).imbalanced
    ['orders']
    """
    treatment = pd.Series(treated).to_numpy(dtype=np.float64, na_value=np.nan)
    same_length(treated=treatment, X=X)
    check_control_group(treatment)
    encoder = FeatureEncoder.learn(X)
    matrix = encoder.encode(X)
    balance = pd.DataFrame(
        [_compare(name, matrix[:, at], encoder, treatment == 1) for at, name in enumerate(encoder.names)]
    )
    order = np.argsort(-balance["difference"].abs().fillna(0).to_numpy(), kind="stable")
    trial = Trial(matrix, treatment, treatment, None)
    trees = OutcomeTrees(
        n_trees=50, categories=tuple(encoder.category_positions), n_jobs=n_jobs, random_state=random_state
    )
    auc, p_value = _two_sample_test(trial, trees)
    sizes = int(treatment.sum()), int((1 - treatment).sum())
    return BalanceCheck(balance.iloc[order].reset_index(drop=True), auc, p_value, *sizes)


def _compare(name: str, column: Matrix, encoder: FeatureEncoder, treated: Flags) -> dict[str, Any]:
    """The largest difference among values, levels of a category and the share of missing values."""
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
        {"feature": name, "level": level, **_difference(numbers, treated)}
        for level, numbers in candidates.items()
    ]
    return max(found, key=lambda row: abs(row["difference"]))


def _difference(numbers: Floats, treated: Flags) -> dict[str, float]:
    one, other = (group[~np.isnan(group)] for group in (numbers[treated], numbers[~treated]))
    if min(len(one), len(other)) < 2:
        return {"treated": np.nan, "control": np.nan, "difference": 0.0, "errors": 0.0}
    gap = float(one.mean() - other.mean())
    sd = float(np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2))
    error = float(np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)))
    if sd == 0:  # both constant: equal, or perfectly separated
        certain = 0.0 if gap == 0 else float(np.copysign(1e6, gap))
        return {
            "treated": float(one.mean()),
            "control": float(other.mean()),
            "difference": certain,
            "errors": certain,
        }
    return {
        "treated": float(one.mean()),
        "control": float(other.mean()),
        "difference": gap / sd,
        "errors": gap / error,
    }


def _two_sample_test(trial: Trial, trees: OutcomeTrees) -> tuple[float, float]:
    fold = stratified_folds(trial, _FOLDS, trees.random_state)
    aucs, variances = [], []
    for number in range(_FOLDS):
        held_out = trial[fold == number]
        score = trees.fit_outcome(trial.matrix[fold != number], trial.treated[fold != number])(
            held_out.matrix
        )
        n1 = held_out.treated.sum()
        n0 = len(held_out.treated) - n1
        ranks = rankdata(score)[held_out.treated == 1].sum()
        aucs.append((ranks - n1 * (n1 + 1) / 2) / (n1 * n0))
        variances.append((n1 + n0 + 1) / (12 * n1 * n0))
    auc = float(np.mean(aucs))
    error = np.sqrt(np.sum(variances)) / _FOLDS
    return auc, float(1 - ndtr((auc - 0.5) / error))
