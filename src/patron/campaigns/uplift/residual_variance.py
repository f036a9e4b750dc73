"""How far the effects of customers lie from what a learner says of them, beyond the error of the learner.

A learner that is smooth, or shrinks, misses something of every effect, and its own standard error does not
know. A trial shows how much: two customers who are alike in a way the learner does not use, and who both do
better than it says, are evidence of it. One pair tells nothing, millions of pairs do.
"""

import numpy as np
from scipy.special import log_ndtr

from patron.arrays import Floats, Integers

__all__ = ["unexplained_spread"]


_MOST_COLUMNS = 20  # whose products say how alike customers are: 210 products at most
_MOST_CUSTOMERS = 50_000  # who are paired; with so many the spread is known well
_FARTHEST = 4.0  # spreads from the mean, as in patron.campaigns.uplift.smooth
_NOTHING_NEW = 0.05  # spreads; a product that keeps less of its own is told by the columns already


def unexplained_spread(columns: Floats, noisy: Floats, said: Floats, fold: Integers, seed: int = 0) -> float:
    """The standard deviation of true effects around those that a learner says.

    Parameters
    ----------
    columns
        (n, n_columns) what is known of the customers, each of mean 0 and spread 1
    noisy
        (n,) unbiased effects, in any unit
    said
        (n,) effects by models that have not seen the customer's fold
    fold
        (n,) from 0
    seed
        draws the customers who are paired, where there are many

    Returns
    -------
    float
        ≥ 0, in the unit of the effects

    Notes
    -----
    With Q the products of two columns, cleaned of the columns and standardised, and K = QQ'/n_products, two
    customers are alike by K_ij. Where effects lie υ away from what is said, the expectation of (noisy - said)
    of the one times that of the other is υ²·K_ij, so that υ² is found by regressing these products on K over
    all pairs (Haseman-Elston regression). Nobody is paired with himself: that would be noise. And the effect
    said of a customer is held only against noisy effects of the same fold, weighted up, since those of other
    folds have taught it. By chance the estimate may fall below 0; returned is the root of the mean of all
    variances ≥ 0, weighted by how well they fit: normal with the error of the estimate.

    Assumed: what is missed is a sum of products of two columns (of more than 20 columns, of their 20 main
    axes), and υ is the same for every customer, so that an interval holds its share of all customers, not of
    each kind of them. Where customers are few, υ is doubtful and comes out the larger.

    References
    ----------
    Haseman & Elston (1972), Behavior Genetics 2(1), 3-19, and Elston, Buxbaum, Jacobs & Olson (2000), Genetic
    Epidemiology 19(1), 1-17 (pairs, and their products). Ding, Feller & Miratrix (2019), Decomposing
    treatment effect variation, JASA 114(525), 304-317 (what features explain, and what nothing can show).

    Examples
    --------
    The truth is x²/5, and a learner that knows straight lines says the same of everybody:

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(20_000, 2))
    >>> noisy = 0.2 * x[:, 0] ** 2 + rng.normal(size=20_000)
    >>> fold = np.arange(20_000) % 5
    >>> spread = unexplained_spread(x, noisy, np.full(20_000, 0.2), fold)
    >>> round(float(np.std(0.2 * x[:, 0] ** 2)), 1), round(spread, 1)
    (0.3, 0.3)
    """
    if len(noisy) > _MOST_CUSTOMERS:
        drawn = np.sort(np.random.default_rng(seed).permutation(len(noisy))[:_MOST_CUSTOMERS])
        columns, noisy, said, fold = columns[drawn], noisy[drawn], said[drawn], fold[drawn]
    alike = _products(columns)
    if alike.shape[1] == 0:
        return 0.0
    unit = float(noisy.std()) or 1.0
    variance, error = _by_pairs(alike, (noisy - noisy.mean()) / unit, (said - said.mean()) / unit, fold)
    return unit * float(np.sqrt(_at_least_nothing(variance, error)))


def _products(columns: Floats) -> Floats:
    """(n, n_products) products of two columns, as far as the columns do not tell them; mean 0, spread 1."""
    if columns.shape[1] > _MOST_COLUMNS:
        _, axes = np.linalg.eigh(columns.T @ columns)
        columns = columns @ axes[:, -_MOST_COLUMNS:]
    columns, _ = _standardised(columns)
    count = columns.shape[1]
    pairs = [columns[:, one] * columns[:, other] for one in range(count) for other in range(one + 1)]
    products, _ = _standardised(np.column_stack(pairs) if pairs else np.zeros((len(columns), 0)))
    ridge = 1e-6 * len(columns) * np.eye(count)
    cleaned = products - columns @ np.linalg.solve(columns.T @ columns + ridge, columns.T @ products)
    standardised, spread = _standardised(cleaned)
    return np.clip(standardised[:, spread > _NOTHING_NEW], -_FARTHEST, _FARTHEST)


def _by_pairs(alike: Floats, noisy: Floats, said: Floats, fold: Integers) -> tuple[float, float]:
    """Variance of what is left, and its standard error if nothing were left."""
    count = alike.shape[1]
    own = (alike**2).sum(axis=1) / count  # K of each customer with himself
    by_noisy, by_said = alike.T @ noisy, alike.T @ said
    between = 0.0
    folds = np.unique(fold)
    for number in folds:
        inside = fold == number
        between += (alike[inside].T @ noisy[inside]) @ (alike[inside].T @ said[inside]) / count
    between -= float(own @ (noisy * said))
    left = (by_noisy @ by_noisy + by_said @ by_said) / count - float(own @ (noisy**2 + said**2))
    left -= 2 * len(folds) * between

    squares = ((alike.T @ alike / count) ** 2).sum() - (own**2).sum()
    rest = (noisy - said) ** 2
    weighed = (alike * rest[:, None]).T @ alike / count
    error = np.sqrt(2 * max(float((weighed**2).sum() - (own**2 * rest**2).sum()), 0.0))
    scale = float(own.mean() / squares)
    return float(left * scale), float(error * scale)


def _at_least_nothing(estimate: float, error: float) -> float:
    """The mean of a normal distribution around the estimate, of what of it is not below 0."""
    if error == 0:
        return max(estimate, 0.0)
    away = estimate / error
    height = float(np.exp(-(away**2) / 2 - log_ndtr(away)) / np.sqrt(2 * np.pi))
    return max(estimate + error * height, 0.0)


def _standardised(columns: Floats) -> tuple[Floats, Floats]:
    """Columns of mean 0 and spread 1, constant ones left out; and the spreads they had."""
    away = columns - columns.mean(axis=0)
    spread = away.std(axis=0)
    varies = spread > 1e-9
    return away[:, varies] / spread[varies], spread[varies]
