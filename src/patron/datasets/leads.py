"""The leads and lead_events tables, with the true conversion probability of each lead.

Every lead has an intent and a company size, which alone determine its conversion probability. Leads are drawn
until as many convert as there are customers who came as a lead; those become the customers, the others never
do. Intent itself is in no table: only events are observed, and leads with more intent have more of them.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from patron.arrays import Floats, Integers
from patron.datasets.columns import from_codes, timestamps
from patron.datasets.customers import CHANNELS
from patron.datasets.streams import stream

__all__ = ["EVENT_KINDS", "draw_leads"]


EVENT_KINDS = ("visit", "download", "demo_booked", "unsubscribed")

# In the order of CHANNELS: share of the customers who came as a lead, and the mean cost of a lead.
_CAME_AS_LEAD = np.array([0.6, 0.3, 0.6, 0.2])
_COSTS = np.array([4.0, 0.0, 3.0, 1.0])
_COST_SPREAD = 4.0  # shape of the gamma distribution of single costs

_SIZES = {"small": 0.5, "medium": 0.35, "large": 0.15}
_OF_SIZE = np.array([-0.8, 0.2, 1.0])  # log-odds of converting
_INTERCEPT, _OF_INTENT = -1.6, 1.3  # log-odds at intent 1, and by its logarithm
_INTENT_SHAPE = 2.0  # of a gamma distribution with mean 1
_MEAN_DELAY = 18.0  # days from the first sign of interest to the first purchase
_MEAN_PAUSE = 8.0  # days from there to each later event
_VISITS, _DOWNLOADS = 4.0, 1.0  # mean numbers at intent 1


def draw_leads(
    seed: int, channel: Integers, arrived: Floats, *, start: np.datetime64, days: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Leads, their events, and the truth about them.

    Parameters
    ----------
    seed
        of the whole simulation
    channel
        (n_customers,) position in `CHANNELS`
    arrived
        (n_customers,) calendar days since the start, of the first purchase
    start, days
        first day and length of the window; leads created before it are not recorded

    Returns
    -------
    leads
        one row per lead, by time: lead_id (1, 2, …), created_at, source (a channel), cost
        (money), company_size, customer_id and converted_at (the first purchase; empty for all others)
    lead_events
        lead_id, event_at, kind (one of `EVENT_KINDS`), by time; nothing after the conversion
    truth
        lead_id, intent, conversion_probability, converts

    Examples
    --------
    >>> by_search, arrivals = np.zeros(400, dtype=int), np.linspace(30, 300, 400)
    >>> leads, events, truth = draw_leads(0, by_search, arrivals, start=np.datetime64("2024-01-01"), days=365)
    >>> bool(abs(truth["converts"].mean() - truth["conversion_probability"].mean()) < 0.05)
    True
    """
    chance = stream(seed, "leads")
    came = np.flatnonzero(chance.random(arrived.size) < _CAME_AS_LEAD[channel])
    size, intent, probability, converts = _draw_until(chance, came.size)
    n, winners = converts.size, np.flatnonzero(converts)

    customer = np.full(n, -1)
    customer[winners] = chance.permutation(came)
    like = np.where(converts, customer, chance.choice(came, size=n) if came.size else -1)
    created = arrived[like] - chance.exponential(_MEAN_DELAY, size=n)
    ends = np.where(converts, arrived[like], np.inf)
    cost = _COSTS[channel[like]] * chance.gamma(_COST_SPREAD, 1 / _COST_SPREAD, size=n)

    order = np.argsort(created, kind="stable")
    order = order[created[order] >= 0]
    who, at, kind = _draw_events(chance, intent[order], created[order], ends[order])
    seen = at < days
    who, at, kind = who[seen], at[seen], kind[seen]
    ids = np.arange(1, order.size + 1)
    won = pd.Series(customer[order] + 1, dtype="Int64").where(converts[order])
    converted = np.full(order.size, np.datetime64("NaT", "us"))
    converted[converts[order]] = timestamps(start, ends[order][converts[order]])
    leads = pd.DataFrame(
        {
            "lead_id": ids,
            "created_at": timestamps(start, created[order]),
            "source": from_codes(channel[like][order], list(CHANNELS)),
            "cost": cost[order].round(2),
            "company_size": from_codes(size[order], list(_SIZES)),
            "customer_id": won,
            "converted_at": converted,
        },
        copy=False,
    )
    events = pd.DataFrame(
        {
            "lead_id": ids[who],
            "event_at": timestamps(start, at),
            "kind": from_codes(kind, list(EVENT_KINDS)),
        },
        copy=False,
    )
    truth = pd.DataFrame(
        {
            "lead_id": ids,
            "intent": intent[order],
            "conversion_probability": probability[order],
            "converts": converts[order],
        }
    )
    return leads, events, truth


def _draw_until(
    chance: np.random.Generator, wanted: int
) -> tuple[Integers, Floats, Floats, npt.NDArray[np.bool_]]:
    """Size, intent, probability and conversion of leads, drawn until `wanted` of them have converted."""
    parts: list[tuple[Integers, Floats, Floats, npt.NDArray[np.bool_]]] = []
    found = 0
    while found < wanted or not parts:
        n = 64 + 4 * (wanted - found) if wanted else 0
        size = chance.choice(len(_SIZES), size=n, p=list(_SIZES.values()))
        intent = np.maximum(chance.gamma(_INTENT_SHAPE, 1 / _INTENT_SHAPE, size=n), 1e-6)
        probability = expit(_INTERCEPT + _OF_SIZE[size] + _OF_INTENT * np.log(intent))
        converts = chance.random(n) < probability
        last = int(np.searchsorted(np.cumsum(converts), wanted - found)) + 1  # the whole draw where too few
        found += int(converts[:last].sum())
        parts.append((size[:last], intent[:last], probability[:last], converts[:last]))
    sizes, intents, probabilities, outcomes = map(np.concatenate, zip(*parts, strict=True))
    return sizes, intents, probabilities, outcomes


def _draw_events(
    chance: np.random.Generator, intent: Floats, created: Floats, ends: Floats
) -> tuple[Integers, Floats, Integers]:
    """Lead (row), moment and kind of each event, by time, up to the conversion."""
    counts = (
        1 + chance.poisson(_VISITS * intent),  # the visit that made the lead known
        chance.poisson(_DOWNLOADS * intent),
        (chance.random(intent.size) < 1 - np.exp(-0.3 * intent)).astype(np.int64),
        (chance.random(intent.size) < 0.4 * np.exp(-intent)).astype(np.int64),
    )
    who = np.concatenate([np.repeat(np.arange(intent.size), count) for count in counts])
    kind = np.repeat(np.arange(len(counts)), [int(count.sum()) for count in counts])
    at = created[who] + chance.exponential(_MEAN_PAUSE, size=who.size)
    at[np.cumsum(counts[0]) - counts[0]] = created
    kept = at < ends[who]
    order = np.flatnonzero(kept)[np.argsort(at[kept], kind="stable")]
    return who[order], at[order], kind[order]
