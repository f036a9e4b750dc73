"""The surveys table: CSAT and NPS answers, which depend on a latent satisfaction.

After some orders the shop asks how satisfied the customer is (csat, 1 to 5); twice a year it asks active
customers whether they would recommend it (nps, 0 to 10). Both answers are noisy measures of one satisfaction,
which is lower for customers who are likelier to leave.
"""

import numpy as np
import pandas as pd

from patron.arrays import Floats, Integers
from patron.datasets.columns import from_codes, timestamps
from patron.datasets.streams import stream

__all__ = ["draw_surveys"]


_KINDS = ["csat", "nps"]
_ANSWERS_CSAT, _ANSWERS_NPS = 0.08, 0.25  # share of the questions that get an answer
_FIRST_NPS, _EVERY_NPS = 60.0, 182.0  # days since the first purchase, and from one question to the next
_LOYALTY = 0.6  # correlation of satisfaction with the wish to stay
_DELAY = 1.0  # days until an answer, on average


def draw_surveys(
    seed: int,
    customer: Integers,
    at: Floats,
    arrived: Floats,
    left: Floats,
    leaving: Floats,
    *,
    start: np.datetime64,
    days: int,
) -> tuple[pd.DataFrame, Floats]:
    """The surveys table of customers 1, 2, … n, by time, and the satisfaction of each customer.

    Parameters
    ----------
    seed
        of the whole simulation
    customer, at
        (n_orders,) row of the customer and calendar day since the start of each order
    arrived, left
        (n,) calendar days since the start, infinite for customers who stay
    leaving
        (n,) probability, or rate, of leaving
    start, days
        first day and length of the window

    Returns
    -------
    surveys
        customer_id, answered_at, kind ("csat" or "nps"), score
    satisfaction
        (n,) standard normal over the customers

    Examples
    --------
    >>> n = 2000
    >>> never, probability = np.full(n, np.inf), np.linspace(0, 1, n)
    >>> answers, satisfaction = draw_surveys(
    ...     0, np.arange(n), np.full(n, 5.0), np.zeros(n), never, probability,
    ...     start=np.datetime64("2024-01-01"), days=365,
    ... )
    >>> bool(answers.loc[answers["kind"] == "csat", "score"].between(1, 5).all())
    True
    >>> bool(satisfaction[:1000].mean() > satisfaction[1000:].mean())
    True
    """
    chance = stream(seed, "surveys")
    rank = (np.argsort(np.argsort(leaving, kind="stable"), kind="stable") + 0.5) / leaving.size
    stays = np.sqrt(12) * (0.5 - rank)  # mean 0, spread 1
    satisfaction = _LOYALTY * stays + np.sqrt(1 - _LOYALTY**2) * chance.normal(size=leaving.size)

    asked = chance.random(customer.size) < _ANSWERS_CSAT
    rounds = np.arange(_FIRST_NPS, days, _EVERY_NPS)
    moment = arrived[:, None] + rounds
    answers = (moment < np.minimum(left, days)[:, None]) & (chance.random(moment.shape) < _ANSWERS_NPS)
    who = np.concatenate([customer[asked], np.nonzero(answers)[0]])
    when = np.concatenate([at[asked], moment[answers]])
    when = when + chance.exponential(_DELAY, size=who.size)
    is_nps = np.arange(who.size) >= asked.sum()
    latent, noise = satisfaction[who], chance.normal(size=who.size)
    csat = np.clip(np.round(3.9 + 0.8 * latent + 0.6 * noise), 1, 5)
    nps = np.clip(np.round(7.6 + 1.7 * latent + 1.2 * noise), 0, 10)
    order = np.argsort(when, kind="stable")
    order = order[when[order] < days]
    surveys = pd.DataFrame(
        {
            "customer_id": who[order] + 1,
            "answered_at": timestamps(start, when[order]),
            "kind": from_codes(is_nps[order].astype(np.int8), _KINDS),
            "score": np.where(is_nps, nps, csat)[order],
        },
        copy=False,
    )
    return surveys, satisfaction
