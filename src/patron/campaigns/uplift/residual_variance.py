"""Residual effect heterogeneity: how far individual effects lie from the predictions of a learner.

A learner that is smooth or shrinks misses part of every effect, and its standard error does not show it. A
trial does: if two customers are similar in a way that the learner does not use and both respond better than
predicted, that is evidence of heterogeneity. One pair shows nothing, millions of pairs do.
"""

import numpy as np
from scipy.special import log_ndtr

from patron.arrays import Floats, Integers

__all__ = ["residual_effect_sd"]


_MAX_COLUMNS = 20  # their products measure similarity: at most 210 products
_MAX_CUSTOMERS = 50_000  # paired customers; enough for a precise estimate
_MAX_SD = 4.0  # standard deviations from the mean, as in patron.campaigns.uplift.penalised_regression
_MIN_NEW_SD = 0.05  # a product that keeps less than this is explained by the columns already


def residual_effect_sd(
    columns: Floats, pseudo: Floats, predicted: Floats, fold: Integers, seed: int = 0
) -> float:
    """The standard deviation of individual effects around the predictions of a learner.

    Parameters
    ----------
    columns
        (n, n_columns) standardised features
    pseudo
        (n,) pseudo-outcomes: noisy, unbiased effects, in any unit
    predicted
        (n,) effects predicted by models that have not seen the customer's fold
    fold
        (n,) fold of each customer, from 0
    seed
        random seed of the sample of customers that is paired if there are many

    Returns
    -------
    float
        ≥ 0, in the unit of the effects

    Notes
    -----
    Q are products of two columns, residualised on the columns and standardised; K = QQ'/n_products is the
    similarity of two customers. If effects deviate from the predictions with standard deviation υ, the
    residual (pseudo - predicted) of one customer times that of another has expectation υ²·K_ij. So υ² is the
    slope of these products on K over all pairs (Haseman-Elston regression). Self-pairs are excluded; they
    would add the noise variance. A prediction is compared only with pseudo-outcomes of its own fold, weighted
    up, because it was trained on the others. The estimate can fall below 0 by chance; returned is the root of
    the mean of a normal distribution around it (with its standard error), truncated at 0.

    Assumptions: the missed part is a sum of products of two columns (of their 20 principal axes if there are
    more than 20), and υ is the same for all customers, so that an interval covers its share of all customers,
    not of every subgroup. With few customers υ is uncertain and estimated larger.

    References
    ----------
    Haseman & Elston (1972), Behavior Genetics 2(1), 3-19, and Elston, Buxbaum, Jacobs & Olson (2000), Genetic
    Epidemiology 19(1), 1-17 (pairs, and their products). Ding, Feller & Miratrix (2019), Decomposing
    treatment effect variation, JASA 114(525), 304-317 (what features explain, and what nothing can show).

    Examples
    --------
    The true effect is x²/5, and a linear learner predicts the same for all customers:

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(20_000, 2))
    >>> pseudo = 0.2 * x[:, 0] ** 2 + rng.normal(size=20_000)
    >>> fold = np.arange(20_000) % 5
    >>> sd = residual_effect_sd(x, pseudo, np.full(20_000, 0.2), fold)
    >>> round(float(np.std(0.2 * x[:, 0] ** 2)), 1), round(sd, 1)
    (0.3, 0.3)
    """
    if len(pseudo) > _MAX_CUSTOMERS:
        drawn = np.sort(np.random.default_rng(seed).permutation(len(pseudo))[:_MAX_CUSTOMERS])
        columns, pseudo, predicted, fold = columns[drawn], pseudo[drawn], predicted[drawn], fold[drawn]
    similarity = _products(columns)
    if similarity.shape[1] == 0:
        return 0.0
    unit = float(pseudo.std()) or 1.0
    variance, error = _pairwise_variance(
        similarity, (pseudo - pseudo.mean()) / unit, (predicted - predicted.mean()) / unit, fold
    )
    return unit * float(np.sqrt(_truncated_mean(variance, error)))


def _products(columns: Floats) -> Floats:
    """(n, n_products) products of two columns, residualised on the columns and standardised."""
    if columns.shape[1] > _MAX_COLUMNS:
        _, axes = np.linalg.eigh(columns.T @ columns)
        columns = columns @ axes[:, -_MAX_COLUMNS:]
    columns, _ = _standardised(columns)
    count = columns.shape[1]
    pairs = [columns[:, one] * columns[:, other] for one in range(count) for other in range(one + 1)]
    products, _ = _standardised(np.column_stack(pairs) if pairs else np.zeros((len(columns), 0)))
    ridge = 1e-6 * len(columns) * np.eye(count)
    residual = products - columns @ np.linalg.solve(columns.T @ columns + ridge, columns.T @ products)
    standardised, sd = _standardised(residual)
    return np.clip(standardised[:, sd > _MIN_NEW_SD], -_MAX_SD, _MAX_SD)


def _pairwise_variance(
    similarity: Floats, pseudo: Floats, predicted: Floats, fold: Integers
) -> tuple[float, float]:
    """Variance of the residual effects, and its standard error under the hypothesis that it is 0."""
    count = similarity.shape[1]
    own = (similarity**2).sum(axis=1) / count  # K of each customer with itself
    by_pseudo, by_predicted = similarity.T @ pseudo, similarity.T @ predicted
    between = 0.0
    folds = np.unique(fold)
    for number in folds:
        inside = fold == number
        between += (
            (similarity[inside].T @ pseudo[inside]) @ (similarity[inside].T @ predicted[inside]) / count
        )
    between -= float(own @ (pseudo * predicted))
    total = (by_pseudo @ by_pseudo + by_predicted @ by_predicted) / count - float(
        own @ (pseudo**2 + predicted**2)
    )
    total -= 2 * len(folds) * between

    squares = ((similarity.T @ similarity / count) ** 2).sum() - (own**2).sum()
    residual = (pseudo - predicted) ** 2
    weighted = (similarity * residual[:, None]).T @ similarity / count
    error = np.sqrt(2 * max(float((weighted**2).sum() - (own**2 * residual**2).sum()), 0.0))
    scale = float(own.mean() / squares)
    return float(total * scale), float(error * scale)


def _truncated_mean(estimate: float, error: float) -> float:
    """The mean of a normal distribution around the estimate, truncated at 0."""
    if error == 0:
        return max(estimate, 0.0)
    deviation = estimate / error
    height = float(np.exp(-(deviation**2) / 2 - log_ndtr(deviation)) / np.sqrt(2 * np.pi))
    return max(estimate + error * height, 0.0)


def _standardised(columns: Floats) -> tuple[Floats, Floats]:
    """Columns with mean 0 and sd 1, without constant ones; and their original standard deviations."""
    deviation = columns - columns.mean(axis=0)
    sd = deviation.std(axis=0)
    varies = sd > 1e-9
    return deviation[:, varies] / sd[varies], sd[varies]
