"""Value models beside pymc-marketing, in one run: fit, accuracy of the fit, and valuing customers.

    python benchmarks/value.py --rounds 3 --customers 1000000

1. CDNOW, all customers, purchases to 1997-09-30: BG/NBD and Gamma-Gamma by NUTS, 4 chains of 1000 + 1000
   draws on two cores, patron and the peer in turns, each in a fresh process (compilation counts, imports do
   not), under the same priors. Both begin with empty caches for compiled code: the first round, which has
   to compile everything, is reported by itself, and the median is that of the rounds after it.
2. The same by Laplace in patron, held against the means and standard deviations of NUTS.
3. Valuing: the peer 2,357 customers, patron 10,000 to a million simulated ones, intervals included.

`--parts nuts` alone takes half an hour, nearly all of it the peer's. Prints findings on stderr
and one JSON object on stdout. The peer lives in benchmarks/.venv (see run.sh).
"""

import argparse
import datetime
import importlib
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEER = HERE / ".venv" / "bin" / "python"
CALIBRATION_END = datetime.date(1997, 9, 30)
SAMPLE = 2357
SECONDS = ("fit_seconds", "fit_cpu_seconds")
NUTS = {"draws": 1000, "tune": 1000, "chains": 4, "seed": 1}
WORLD = {"r": 0.25, "alpha": 30.0, "a": 0.8, "b": 2.4, "p": 6.0, "q": 4.0, "v": 15.0}


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--customers", type=int, default=1_000_000)
    given.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    given.add_argument("--work", help=argparse.SUPPRESS)
    asked = given.parse_args()
    if asked.work:
        json.dump(WORK[asked.work](**json.load(sys.stdin)), sys.stdout)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = str(Path(folder) / "numba")
        os.environ["PYTENSOR_FLAGS"] = f"base_compiledir={Path(folder) / 'pytensor'}"
        rfm = str(Path(folder) / "cdnow.parquet")
        prepared = patron("prepare", rfm=rfm)
        say(f"CDNOW: {prepared['customers']:,} customers")
        found = {part: PARTS[part](rfm, prepared["priors"], asked) for part in asked.parts}
    json.dump({"cdnow_customers": prepared["customers"], **found}, sys.stdout, indent=1)


def measure_nuts(rfm: str, priors: dict[str, Any], asked: argparse.Namespace) -> dict[str, Any]:
    request = {"rfm": rfm, "cores": 2, "priors": priors, **NUTS}
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for number in range(asked.rounds + 1):
        ours.append(patron("fit", rfm=rfm, inference="nuts", seed=NUTS["seed"]))
        theirs.append(peer(request))
        say(f"NUTS, round {number}: patron {seconds_of(ours[-1])}, peer {seconds_of(theirs[-1])}")
    own, other = ours[-1]["posterior"], theirs[-1]["posterior"]
    counted = [[run[kind] for run in runs[1:]] for runs in (ours, theirs) for kind in SECONDS]
    wall, cpu, peer_wall, peer_cpu = map(statistics.median, counted)
    found = {
        "patron_seconds": wall,
        "peer_seconds": peer_wall,
        "ratio": peer_wall / wall,
        "patron_cpu_seconds": cpu,
        "peer_cpu_seconds": peer_cpu,
        "cpu_ratio": peer_cpu / cpu,
        "first_ratio": theirs[0]["fit_seconds"] / ours[0]["fit_seconds"],
        "patron_min_ess_bulk": ours[-1]["min_ess_bulk"],
        "peer_min_ess_bulk": min(row["ess_bulk"] for row in other.values()),
        "largest_difference_in_monte_carlo_errors": max(
            abs(own[name]["mean"] - row["mean"]) / math.hypot(own[name]["mcse"], row["mcse"])
            for name, row in other.items()
        ),
    }
    say(
        f"NUTS: {found['ratio']:.1f} times faster (CPU time {found['cpu_ratio']:.1f}), with empty caches "
        f"{found['first_ratio']:.1f}; minimum bulk ESS {found['patron_min_ess_bulk']:.0f}, peer "
        f"{found['peer_min_ess_bulk']:.0f}; means differ by at most "
        f"{found['largest_difference_in_monte_carlo_errors']:.2f} Monte Carlo errors"
    )
    return found | {"runs": {"patron": ours, "peer": theirs}}


def measure_laplace(rfm: str, priors: dict[str, Any], asked: argparse.Namespace) -> dict[str, Any]:
    nuts = patron("fit", rfm=rfm, inference="nuts", seed=NUTS["seed"])["posterior"]
    runs = [patron("fit", rfm=rfm, inference="laplace", seed=NUTS["seed"]) for _ in range(asked.rounds)]
    fast = runs[-1]["posterior"]
    found = {
        "seconds": statistics.median(run["fit_seconds"] for run in runs),
        "largest_error_of_means": max(abs(fast[n]["mean"] / nuts[n]["mean"] - 1) for n in nuts),
        "largest_error_of_deviations": max(abs(fast[n]["sd"] / nuts[n]["sd"] - 1) for n in nuts),
        "k_hat": runs[-1]["k_hat"],
    }
    say(
        f"Laplace: {found['seconds']:.2f} s, means within {found['largest_error_of_means']:.2%} of NUTS, "
        f"deviations within {found['largest_error_of_deviations']:.1%}, k-hat {found['k_hat']}"
    )
    return found


def measure_valuing(rfm: str, priors: dict[str, Any], asked: argparse.Namespace) -> dict[str, Any]:
    request = {"rfm": rfm, "cores": 2, "priors": priors, **NUTS, "only_customers": SAMPLE}
    theirs = peer(request | {"value_customers": SAMPLE, "value_repeats": asked.rounds})
    rate = SAMPLE / statistics.median(theirs["value_seconds"])
    say(f"Valuing: peer {rate:.0f} customers per second, {theirs['peak_gb']:.1f} GB")
    sizes = []
    for size in sorted({10_000, 100_000, asked.customers}):
        sizes.append(patron("value", customers=size))
        say(
            "Valuing: {customers:,} customers fitted by Laplace in {fit_seconds:.1f} s, valued in "
            "{value_seconds:.1f} s ({customers_per_second:,.0f} per second; CPU {value_cpu_seconds:.1f} s), "
            "peak {peak_gb:.2f} GB".format(**sizes[-1])
        )
    ratio = sizes[-1]["customers_per_second"] / rate
    say(f"Valuing: {ratio:.0f} times the peer's customers per second")
    return {
        "peer_customers_per_second": rate,
        "peer_peak_gb": theirs["peak_gb"],
        "sizes": sizes,
        "ratio": ratio,
    }


PARTS = {"valuing": measure_valuing, "laplace": measure_laplace, "nuts": measure_nuts}


def seconds_of(run: dict[str, Any]) -> str:
    return f"{run['fit_seconds']:.2f} s ({run['fit_cpu_seconds']:.1f} s of CPU)"


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def patron(work: str, **request: Any) -> dict[str, Any]:
    """One piece of work in a fresh process with patron."""
    return answer([sys.executable, __file__, "--work", work], request)


def peer(request: dict[str, Any]) -> dict[str, Any]:
    """A fit, and perhaps valuing, in a fresh process with the peer."""
    return answer([str(PEER), str(HERE / "peer_pymc_marketing.py")], request)


def answer(command: list[str], request: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def prepare(rfm: str) -> dict[str, Any]:
    """CDNOW up to the end of calibration as an RFM table, and patron's priors in its units."""
    import numpy as np

    from patron import History, discover_catalogue, load_cdnow, make_spine
    from patron.features.assemble import assemble_features
    from patron.models.value.gamma_gamma import PRIORS as SPEND_PRIORS
    from patron.models.value.purchases.priors import PRIORS

    history = History.read(load_cdnow().transactions).until(CALIBRATION_END)
    features = assemble_features(
        history, make_spine(history, CALIBRATION_END), discover_catalogue(history, CALIBRATION_END)
    )
    table = features.select("customer_id", "frequency", "recency", "T", "monetary_value")
    frame = table.order_by("customer_id").to_pandas()
    frame.to_parquet(rfm, index=False)
    age = float(np.median(frame["T"]))
    order = float(np.median(frame.loc[frame["frequency"] > 0, "monetary_value"]))
    (r, rs), (alpha, alphas), (phi, phis), (kappa, kappas) = (
        PRIORS[n] for n in ("r", "alpha", "phi", "kappa")
    )
    (p, ps), (q, qs), (v, vs) = (SPEND_PRIORS[n] for n in "pqv")
    priors = {
        "r": {"name": "LogNormal", "mu": math.log(r), "sigma": rs},
        "alpha": {"name": "LogNormal", "mu": math.log(alpha * age), "sigma": alphas},
        "phi_dropout": {"name": "LogitNormal", "mu": math.log(phi / (1 - phi)), "sigma": phis},
        "kappa_dropout": {"name": "LogNormal", "mu": math.log(kappa), "sigma": kappas},
        "p": {"name": "LogNormal", "mu": math.log(p), "sigma": ps},
        "q": {"name": "LogNormal", "mu": math.log(q), "sigma": qs, "shift": 1.0},
        "v": {"name": "LogNormal", "mu": math.log(v * order), "sigma": vs},
    }
    return {"customers": len(frame), "priors": priors}


def fit(rfm: str, inference: str, seed: int) -> dict[str, Any]:
    """BG/NBD and Gamma-Gamma fitted by patron."""
    import pandas as pd

    from patron import BetaGeoModel, GammaGammaModel

    importlib.import_module("nutpie")  # imports do not count, on either side
    table = pd.read_parquet(rfm)
    started, used = time.perf_counter(), time.process_time()
    purchases = BetaGeoModel(inference=inference, random_state=seed).fit(table)
    spend = GammaGammaModel(inference=inference, random_state=seed).fit(table)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    posterior = {
        name: summary(draws, NUTS["chains"]) for name, draws in {**purchases.draws_, **spend.draws_}.items()
    }
    found = [model.diagnostics_ for model in (purchases, spend)]
    return {
        "fit_seconds": seconds,
        "fit_cpu_seconds": used,
        "posterior": posterior,
        "min_ess_bulk": min(row["ess_bulk"] for row in posterior.values()),
        "k_hat": [d.k_hat for d in found if d is not None],
        "peak_gb": peak_gb(),
    }


def summary(draws: Any, chains: int) -> dict[str, float]:
    from arviz_stats.base import array_stats

    by_chain = draws.reshape(chains, -1)
    axes = {"chain_axis": 0, "draw_axis": 1}
    return {
        "mean": float(draws.mean()),
        "sd": float(draws.std(ddof=1)),
        "mcse": float(array_stats.mcse(by_chain, method="mean", **axes)),
        "ess_bulk": float(array_stats.ess(by_chain, method="bulk", **axes)),
    }


def value(customers: int) -> dict[str, Any]:
    """Simulated customers with daily times, fitted by Laplace and valued."""
    import numpy as np

    from patron import BetaGeoModel, CustomerValueModel, GammaGammaModel
    from patron.datasets.btyd import simulate_btyd

    ages = np.random.default_rng(3).integers(30, 730, customers).astype(float)
    rfm = simulate_btyd(customers, **WORLD, T=ages, horizon=1.0, daily=True, seed=3).rfm
    started, used = time.perf_counter(), time.process_time()
    model = CustomerValueModel(
        BetaGeoModel(inference="laplace"), GammaGammaModel(inference="laplace"), margin=0.3
    ).fit(rfm)
    fitted, used_to_fit = time.perf_counter(), time.process_time()
    scores = model.predict(rfm, 90)
    done, used_in_all = time.perf_counter(), time.process_time()
    assert np.isfinite(scores.drop(columns="customer_id").to_numpy()).all()
    return {
        "customers": customers,
        "fit_seconds": fitted - started,
        "fit_cpu_seconds": used_to_fit - used,
        "value_seconds": done - fitted,
        "value_cpu_seconds": used_in_all - used_to_fit,
        "customers_per_second": customers / (done - fitted),
        "peak_gb": peak_gb(),
    }


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


WORK = {"prepare": prepare, "fit": fit, "value": value}

if __name__ == "__main__":
    main()
