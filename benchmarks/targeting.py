"""What lists of customers really earn, how well that is measured afterwards, and how long a million takes.

    python benchmarks/targeting.py                        # 20 worlds of 10,000, and a million customers
    python benchmarks/targeting.py --worlds 100 --million 0

In each world, what the three offers change was learned by `EffectModel` from a past campaign drawn by lot.
The list so chosen is held against the list that knows the true effects, and against lists by risk alone, by
value alone and by chance that cost the same. Then a tenth of the list is held out, the horizon passes, and
`measure_effects` must hold the true profit. `held` is the share of customers × offers whose true
effect on the margin lies within its interval of 80 %.
"""

import argparse
import json
import resource
import time

import numpy as np
import pandas as pd

from patron.campaigns.allocation.allocate import allocate, allocate_by_rank
from patron.campaigns.allocation.holdout import draw_treated, strata
from patron.campaigns.allocation.offers import OfferBook
from patron.campaigns.allocation.plan import make_plan
from patron.campaigns.allocation.shadow_prices import AllocationProblem
from patron.campaigns.measure import measure_effects
from patron.campaigns.uplift.effects import EffectModel
from patron.campaigns.uplift.model import UpliftModel
from patron.datasets.campaigns import FEATURES, SimulatedCampaign, simulate_campaign

BUDGET_PER_CUSTOMER, PHONE_SHARE, HOLDOUT = 1.5, 0.03, 0.1
KNOWN = [*FEATURES, "churn_probability", "growth_potential"]


def learned_effects(world: SimulatedCampaign) -> np.ndarray:
    """What the past campaign says of each offer's effect on the margin: money, with low and high.

    Returns
    -------
    (3, n_offers, n_customers)
    """
    now = world.customers.assign(**{name: world.scores[name] for name in KNOWN[-2:]})[KNOWN]
    past, effects = world.past, []
    for offer in world.offers["offer"]:
        trial = past[(past["offer"] == offer) | (past["treated"] == 0)]
        model = EffectModel(UpliftModel(n_jobs=1)).fit(
            trial[KNOWN], trial["treated"], trial["retained"], trial["margin"]
        )
        effects.append(model.predict(now)[["effect_on_value", "low", "high"]].to_numpy().T)
    return np.stack(effects, axis=1)


def allocation_problem(world: SimulatedCampaign, effects: np.ndarray) -> AllocationProblem:
    """Profits by these effects, the costs as scored, a budget and the capacities of two channels."""
    offers, customers = world.offers, len(world.scores)
    risk = world.scores["churn_probability"].to_numpy()
    cost = np.stack(
        [
            offer.contact_cost + offer.incentive * (risk * offer.acceptance + (1 - risk) * offer.redemption)
            for offer in offers.itertuples()
        ]
    )
    return AllocationProblem(
        profit=np.where(effects > 0, effects - cost, -np.inf),
        cost=cost,
        budget=BUDGET_PER_CUSTOMER * customers,
        channel=(offers["channel"] == "phone").to_numpy().astype(np.int64),
        capacity=np.array([np.floor(0.6 * customers), np.floor(PHONE_SHARE * customers)]),
        segment=np.full(customers, -1),
        min_contacts=np.zeros(0, dtype=np.int64),
    )


def study(seed: int, customers: int, past: int) -> dict:
    """One world: true profits of all lists, and whether the measured profit holds the truth."""
    world = simulate_campaign(customers, past_contacts=past, seed=seed)
    truth = np.stack([world.truth[f"effect_on_value_{offer}"] for offer in world.offers["offer"]])
    effects, low, high = learned_effects(world)
    informed, best = allocation_problem(world, effects), allocation_problem(world, truth)
    ours, chance = allocate(informed), np.random.default_rng(seed).random(customers)
    ranks = {
        "risk_only": world.scores["churn_probability"].to_numpy(),
        "value_only": world.scores["growth_potential"].to_numpy(),
        "random": chance,
    }
    found = {
        "oracle": profit(world, allocate(best).offer),
        "ours": profit(world, ours.offer),
        "gap": ours.gap,
    }
    found["held"] = float(((low <= truth) & (truth <= high)).mean())
    for name, rank in ranks.items():
        found[name] = profit(world, allocate_by_rank(informed, rank, ours.cost))
    return {**found, **measured(world, ours.offer, informed, seed)}


def profit(world: SimulatedCampaign, offer: np.ndarray) -> float:
    return world.profit(pairs(world, offer))


def pairs(world: SimulatedCampaign, offer: np.ndarray) -> pd.DataFrame:
    on = np.flatnonzero(offer >= 0)
    names = world.offers["offer"].to_numpy()[offer[on]]
    return pd.DataFrame({"customer_id": world.scores["customer_id"].to_numpy()[on], "offer": names})


def measured(world: SimulatedCampaign, offer: np.ndarray, problem: AllocationProblem, seed: int) -> dict:
    """Hold out a tenth, let the horizon pass, measure."""
    on = np.flatnonzero(offer >= 0)
    listed = pairs(world, offer)
    stratum = strata(listed["offer"], problem.profit[offer[on], on])
    treated = draw_treated(stratum, HOLDOUT, seed)
    after = world.follow(listed[treated])
    ids = listed["customer_id"]
    earned = after.transactions.groupby("customer_id")["amount"].sum().reindex(ids, fill_value=0.0).to_numpy()
    cost = after.contacts.set_index("customer_id")["cost"].reindex(ids, fill_value=0.0).to_numpy()
    row = measure_effects({"profit": world.margin * earned - cost}, treated, stratum).iloc[0]
    true = world.profit(listed[treated])
    return {"covered": bool(row["total_low"] <= true <= row["total_high"])}


def million(customers: int) -> dict:
    """Seconds and memory of a plan for so many customers × three offers × two channel capacities."""
    world = simulate_campaign(customers, past_contacts=0, seed=0)
    book = OfferBook.of(
        {
            "channels": {
                "email": {"capacity": int(0.3 * customers)},
                "phone": {"capacity": int(0.02 * customers)},
            },
            "offers": {str(offer.pop("offer")): offer for offer in world.offers.to_dict("records")},
        }
    )
    scores = world.scores.assign(reason_1="last order long ago")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    started, cpu = time.perf_counter(), time.process_time()
    plan = make_plan(scores, book, budget=0.5 * customers)
    return {
        "customers": customers,
        "listed": len(plan.listed),
        "gap": plan.allocation.gap,
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "peak_gb_before": round(before, 2),
    }


def summary(worlds: pd.DataFrame) -> dict:
    share = worlds["ours"] / worlds["oracle"]
    return {
        "worlds": len(worlds),
        "share_of_oracle_mean": round(float(share.mean()), 4),
        "share_of_oracle_least": round(float(share.min()), 4),
        "worlds_with_95_percent": int((share >= 0.95).sum()),
        **{
            f"more_than_{rule}": int((worlds["ours"] > worlds[rule]).sum())
            for rule in ("risk_only", "value_only", "random")
        },
        **{
            f"{rule}_share_of_oracle": round(float((worlds[rule] / worlds["oracle"]).mean()), 3)
            for rule in ("risk_only", "value_only", "random")
        },
        "covered": int(worlds["covered"].sum()),
        "effects_held_mean": round(float(worlds["held"].mean()), 3),
        "effects_held_least": round(float(worlds["held"].min()), 3),
        "largest_gap": float(worlds["gap"].max()),
    }


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=20)
    asked.add_argument("--first", type=int, default=0, help="seed of the first world")
    asked.add_argument("--customers", type=int, default=10_000)
    asked.add_argument(
        "--past", type=int, nargs="*", default=[60_000, 20_000], help="contacts, all offers together"
    )
    asked.add_argument("--million", type=int, default=1_000_000)
    chosen = asked.parse_args()
    told: dict = {}
    if chosen.million:
        told["million"] = million(chosen.million)
        print(json.dumps(told["million"]), flush=True)
    for past in chosen.past:
        seeds = range(chosen.first, chosen.first + chosen.worlds)
        worlds = pd.DataFrame([study(seed, chosen.customers, past) for seed in seeds])
        print(json.dumps({"past_contacts": past, **summary(worlds)}), flush=True)
