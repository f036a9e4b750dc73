"""What a customer may do after T, simulated from the model: distributions, not only means.

A customer is alive with P(alive), buys at a rate λ ~ Gamma(r + x, α + T), leaves after each purchase with a
probability p ~ Beta(a, b + x) (b + x + 1 for MBG), and so buys min(Poisson(λt), Geometric(p)) times in t. The
letters are those of `patron.models.value.purchases.expectation`.

Two ways to draw, for two purposes:

- `simulate_purchases` draws each customer independently, from a generator. Sums over customers are then
  valid: use it for the interval of a total.
- `CommonRandomNumbers` holds one set of uniforms per draw, **shared by all customers**: draw k of a customer
  is the k-th set applied to that customer's own distribution. The result for a customer then depends on
  nothing but the customer and the seed: not on the other rows, their order, or the chunk, and a single row
  served alone equals the same row in a batch of a million. The numbers of each kind are stratified (one in
  every nth of [0, 1]), so that quantiles need few draws. A total over customers must not be formed from these
  draws, since they are perfectly dependent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betaincinv, gammaincinv

from patron.arrays import Floats, Index, Integers, Real
from patron.models.value.purchases.expectation import drop_out_shape, probability_alive, time_ahead

__all__ = ["CommonRandomNumbers", "Futures", "common_random_numbers", "draws_at_a_time", "simulate_purchases"]


MOST_EVENTS = 1e15  # a Poisson mean that int64 can still count
CACHED = 2**15  # numbers worked on at a time
NEVER = 1e15  # purchases until a customer leaves whose probability to leave is 0
STRIDES = ((1, 256), (16, 256), (512, 256))  # purchases a step × steps: exact counts first, then in tens


def simulate_purchases(
    rng: np.random.Generator,
    r: Real,
    alpha: Real,
    a: Real,
    b: Real,
    x: Real,
    t_x: Real,
    T: Real,
    t: Real,
    family: str = "bgnbd",
) -> Integers:
    """Purchases in (T, T + t], one independent draw for each element.

    Parameters
    ----------
    rng
        random number generator
    r, alpha, a, b, x, t_x, T, t, family
        as in :func:`patron.models.value.purchases.expectation.expected_purchases`

    Returns
    -------
    Integers
        the broadcast shape, purchases, at least 0

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bought = simulate_purchases(rng, 0.243, 4.414, 0.793, 2.426, np.full(100_000, 2), 30.43, 38.86, 39)
    >>> bool(abs(bought.mean() - 1.226) < 0.03)
    True
    """
    t = time_ahead(t, "horizon", finite=True)
    r, alpha, a, b, x, t_x, T, t = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (r, alpha, a, b, x, t_x, T, t))
    )
    alive = rng.random(r.shape) < probability_alive(r, alpha, a, b, x, t_x, T, family)
    rate = rng.standard_gamma(r + x) / (alpha + T)
    leaves = rng.beta(a, drop_out_shape(b, x, family))
    events = rng.poisson(np.minimum(rate * t, MOST_EVENTS))
    stays = rng.geometric(np.clip(leaves, 1 / NEVER, 1.0))
    return np.where(alive, np.minimum(events, stays), 0)


@dataclass(frozen=True, slots=True, eq=False)
class CommonRandomNumbers:
    """Common random numbers: one set per draw, shared by all customers.

    Attributes
    ----------
    rate, leave, stay, spend
        (n_draws,) uniforms in (0, 1), one in each nth of the interval, shuffled
    arrivals
        (n_draws, n_steps) times at which a customer who buys once per unit of time reaches each count
    first_order
        (n_draws,) uniforms in (0, 1), as `rate`
    orders_seed
        seed of the values of further orders
    """

    rate: Floats
    leave: Floats
    stay: Floats
    spend: Floats
    first_order: Floats
    arrivals: Floats
    orders_seed: tuple[int, int]

    @property
    def n_draws(self) -> int:
        """Number of futures of each customer."""
        return self.rate.size

    def order_sums(self, p: Floats) -> Floats:
        """(n_draws, n_steps) sums of the first orders of each count, in units of the customer's scale 1/ν.

        Parameters
        ----------
        p
            (n_draws,) shape of the value of an order

        Examples
        --------
        >>> sums = common_random_numbers(1000, 0).order_sums(np.full(1000, 6.25))
        >>> bool(abs(sums[:, 4].mean() - 4 * 6.25) < 0.5)  # column 4: four orders of mean p
        True
        """
        return _order_sums(self, p.tobytes())


@lru_cache(maxsize=4)
def common_random_numbers(n_draws: int, random_state: int) -> CommonRandomNumbers:
    """The random numbers of a seed.

    Parameters
    ----------
    n_draws
        simulated futures per customer
    random_state
        seed

    Examples
    --------
    >>> chances = common_random_numbers(200, random_state=0)
    >>> chances.n_draws, bool(abs(chances.rate.mean() - 0.5) < 0.01)
    (200, True)
    """
    rng = np.random.default_rng((random_state, 0))
    rate, leave, stay, spend, first_order, first_arrival = (_spread(rng, n_draws) for _ in range(6))
    gaps = rng.standard_gamma(np.diff(purchase_counts()), size=(n_draws, purchase_counts().size - 1))
    gaps[:, 0] = -np.log1p(-first_arrival)
    return CommonRandomNumbers(rate, leave, stay, spend, first_order, _running_sums(gaps), (random_state, 1))


@lru_cache(maxsize=4)
def _order_sums(chances: CommonRandomNumbers, p_bytes: bytes) -> Floats:
    p = np.frombuffer(p_bytes)
    orders = np.random.default_rng(chances.orders_seed).standard_gamma(
        p[:, None] * np.diff(purchase_counts())
    )
    orders[:, 0] = gammaincinv(p, chances.first_order)
    return _running_sums(orders)


@lru_cache(maxsize=1)
def purchase_counts() -> Floats:
    """The counts of purchases, from 0, at which arrivals and order sums are kept.

    Each single count first; then strides, between which the running sums are straight lines: the relative
    error is far below that of the customer's own rate, which is known no better than 1/√x.
    """
    steps = np.concatenate([np.full(n_steps, float(stride)) for stride, n_steps in STRIDES])
    return np.concatenate([[0.0], np.cumsum(steps)])


class Futures:
    """Simulated purchases of customers, one path per draw, so that a longer time never has fewer purchases.

    Parameters
    ----------
    chances
        the common random numbers
    parameters
        r, alpha, a, b, each (n_draws,): one posterior draw per simulated future
    family
        "bgnbd" or "mbgnbd"
    x
        (n,) distinct repeat purchases of the customers to come

    Notes
    -----
    The rate of a customer is Gamma(r + x) ÷ (α + T): the gamma quantile depends on x and the draw alone, and
    so do the chance to leave and the number of purchases until then. They are found once per distinct x.

    Examples
    --------
    >>> parameters = {name: np.full(2000, value) for name, value in
    ...               dict(r=0.243, alpha=4.414, a=0.793, b=2.426).items()}
    >>> futures = Futures(common_random_numbers(2000, 0), parameters, "bgnbd", np.array([0.0, 2.0]))
    >>> bought = futures.purchases(np.array([1]), np.array([38.86]), np.array([39.0]))
    >>> bool(abs(bought.mean() - 1.226 / 0.7266) < 0.05)  # of those who are alive
    True
    """

    def __init__(
        self, chances: CommonRandomNumbers, parameters: Mapping[str, Floats], family: str, x: Floats
    ) -> None:
        self.chances = chances
        self.alpha = parameters["alpha"]
        shared = b"".join(parameters[name].tobytes() for name in ("r", "a", "b"))
        each = [_rate_and_stay(chances, shared, family, float(repeats)) for repeats in x]
        self.rates, self.stays = (
            np.ascontiguousarray(np.transpose(part)) for part in zip(*each, strict=True)
        )

    def purchases(self, group: Index, T: Floats, times: Floats) -> Floats:
        """Purchases up to each time of customers who are alive.

        Parameters
        ----------
        group
            (n,) which of the distinct x each customer has
        T
            (n,) age, time units
        times
            (k,) time units ahead, ascending

        Returns
        -------
        Floats
            (n_draws, k, n) purchases in (T, T + time]
        """
        counts = purchase_counts()
        found = np.empty((self.chances.n_draws, times.size, T.size))
        for some in draws_at_a_time(found.shape):
            rates = self.rates[some][:, group] / (self.alpha[some, None] + T)
            events = rates[:, None, :] * times[:, None]
            for reached, arrivals in zip(events, self.chances.arrivals[some], strict=True):
                reached[...] = np.interp(reached, arrivals, counts)
            np.minimum(np.floor(events, out=events), self.stays[some][:, None, group], out=found[some])
        return found


def draws_at_a_time(shape: tuple[int, int, int]) -> list[slice]:
    """The draws in groups whose (n_draws, k, n) numbers stay in the processor's cache.

    Parameters
    ----------
    shape
        (n_draws, k, n) of the array to be filled

    Examples
    --------
    >>> draws_at_a_time((200, 8, 64)), len(draws_at_a_time((200, 8, 2048)))
    ([slice(0, 64, None), slice(64, 128, None), slice(128, 192, None), slice(192, 256, None)], 100)
    """
    n_draws, *of_each = shape
    step = max(1, CACHED // max(1, of_each[0] * of_each[1]))
    return [slice(start, start + step) for start in range(0, n_draws, step)]


@lru_cache(maxsize=1024)
def _rate_and_stay(
    chances: CommonRandomNumbers, parameters: bytes, family: str, x: float
) -> tuple[Floats, Floats]:
    """(n_draws,) each: the gamma quantile behind the rate, and the purchases until a customer leaves."""
    r, a, b = np.frombuffer(parameters).reshape(3, -1)
    rates = gammaincinv(r + x, chances.rate)
    leaves = betaincinv(a, drop_out_shape(b, np.array(x), family), chances.leave)
    with np.errstate(divide="ignore", over="ignore"):  # hardly a chance to leave, none, or certainty
        stays = np.log(chances.stay) / np.log1p(-leaves)
    return rates, np.minimum(np.floor(np.nan_to_num(stays, nan=NEVER, posinf=NEVER)) + 1, NEVER)


def _spread(rng: np.random.Generator, n: int) -> Floats:
    """n numbers in (0, 1), one in each nth, shuffled: a Latin hypercube's margin."""
    return (rng.permutation(n) + np.clip(rng.random(n), 1e-9, 1 - 1e-9)) / n


def _running_sums(steps: Floats) -> Floats:
    return np.concatenate([np.zeros((steps.shape[0], 1)), np.cumsum(steps, axis=1)], axis=1)
