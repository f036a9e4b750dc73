"""The peer's side of value.py: fit and value with pymc-marketing, in the environment of peers.lock.

Reads one JSON request on stdin, writes one JSON answer on stdout. Never imports patron.
"""

import json
import logging
import resource
import sys
import time
import warnings

import arviz as az
import pandas as pd
import pymc as pm
from pymc_extras.prior import Prior
from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class Shifted:
    """A prior on name − shift, for parameters that have a lower bound other than zero."""

    dims = ()

    def __init__(self, shift: float, mu: float, sigma: float) -> None:
        self.shift, self.mu, self.sigma = shift, mu, sigma

    def create_variable(self, name: str):
        excess = pm.LogNormal(f"{name}_excess", self.mu, self.sigma)
        return pm.Deterministic(name, self.shift + excess)

    def to_dict(self) -> dict:
        return {"shift": self.shift, "mu": self.mu, "sigma": self.sigma}


def prior(spec: dict):
    """{"name": "LogNormal", "mu": …, "sigma": …} → a prior that the peer understands."""
    settings = {key: value for key, value in spec.items() if key not in ("name", "shift")}
    return Shifted(spec["shift"], **settings) if "shift" in spec else Prior(spec["name"], **settings)


def summary(model, names: list[str]) -> dict[str, dict[str, float]]:
    table = az.summary(model.idata, var_names=names, round_to="none")
    return {
        name: {"mean": float(row["mean"]), "sd": float(row["sd"]), "mcse": float(row["mcse_mean"]),
               "ess_bulk": float(row["ess_bulk"])}
        for name, row in table.iterrows()
    }  # fmt: skip


def fit(rfm: pd.DataFrame, request: dict):
    sampling = {"draws": request["draws"], "tune": request["tune"], "chains": request["chains"],
                "cores": request["cores"], "random_seed": request["seed"], "nuts_sampler": "nutpie",
                "progressbar": False}  # fmt: skip
    priors = {name: prior(spec) for name, spec in request["priors"].items()}
    purchases = BetaGeoModel(model_config={k: v for k, v in priors.items() if k not in "pqv"} or None)
    purchases.fit(data=rfm, **sampling)
    repeat = rfm[(rfm["frequency"] > 0) & (rfm["monetary_value"] > 0)]
    spend = GammaGammaModel(model_config={k: v for k, v in priors.items() if k in "pqv"} or None)
    spend.fit(data=repeat, **sampling)
    return purchases, spend


def value(purchases, spend, rfm: pd.DataFrame) -> float:
    started = time.perf_counter()
    purchases.expected_probability_alive(rfm)
    purchases.expected_probability_no_purchase(90, rfm)
    purchases.expected_purchases(rfm, future_t=90)
    spend.expected_customer_spend(rfm)
    spend.expected_customer_lifetime_value(purchases, rfm, future_t=12, discount_rate=0.008, time_unit="D")
    return time.perf_counter() - started


def main() -> None:
    request = json.load(sys.stdin)
    rfm = pd.read_parquet(request["rfm"]).head(request.get("only_customers"))
    started, used = time.perf_counter(), time.process_time()
    purchases, spend = fit(rfm, request)
    answer = {
        "fit_seconds": time.perf_counter() - started,
        "fit_cpu_seconds": time.process_time() - used,
    }
    answer["posterior"] = summary(purchases, ["r", "alpha", "a", "b"]) | summary(spend, ["p", "q", "v"])
    if request.get("value_customers"):
        some = rfm.head(request["value_customers"])
        answer["value_seconds"] = [value(purchases, spend, some) for _ in range(request["value_repeats"])]
        answer["value_customers"] = len(some)
        answer["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
