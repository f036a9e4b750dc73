"""Serving speed: patron's model behind `patron serve` and behind MLflow's plain scoring server, beside a
trivial model of one line, all in one run, with a keep-alive client on the same machine.

    python benchmarks/serving.py                      # the medians
    python benchmarks/serving.py --requests 20000     # and 20,000 requests from 8 clients

The model is trained on simulated customers, once; the requests are feature rows of ten thousand others. The
trivial model returns one column of the request. The servers answer in turns, round by round, so that whatever
else the machine does meets all of them.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

ASKED = {1: 60, 100: 30, 10_000: 2}  # rows → requests per round
TRIVIAL = """
import mlflow

class Trivial(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["T"].tolist()

mlflow.models.set_model(Trivial())
"""


def train(folder: Path) -> list[dict]:
    """Write patron's model and the trivial one into the folder; return feature rows to ask about."""
    import mlflow

    import patron
    from patron.features.assemble import assemble_features
    from patron.progress import silent
    from patron.settings.inputs import known_history
    from patron.tracking.package import save_bundle_as_model
    from patron.training.fit_bundle import fit_bundle
    from patron.training.plan import TrainingPlan

    known, others = (
        known_history(
            patron.Settings(
                tables={name: getattr(shop, name) for name in ("transactions", "engagement", "customers")}
            ),
            None,
            silent,
        )
        for shop in (
            patron.simulate(n_customers=1500, days=900, seed=1),
            patron.simulate(n_customers=10_000, days=900, seed=2),
        )
    )
    bundle = fit_bundle(known, TrainingPlan(horizon_days=60, inference="laplace"))
    save_bundle_as_model(bundle, folder / "patron")
    code = folder / "trivial.py"
    code.write_text(TRIVIAL)
    mlflow.pyfunc.save_model(str(folder / "trivial"), python_model=str(code), pip_requirements=["mlflow"])
    spine = patron.make_spine(others, others.known_until)
    features = assemble_features(others, spine, bundle.catalogue).to_pandas()
    features["as_of"] = features["as_of"].astype(str)
    return features.astype(object).where(features.notna(), None).to_dict("records")


@contextmanager
def running(command: list[str]):
    """A server that was started by the command, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env=os.environ | {"PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{command} ended with {process.returncode}") from None
                time.sleep(0.2)
        yield process, port
    finally:
        process.terminate()
        process.wait(60)


def ask(client: HTTPConnection, body: bytes) -> float:
    """Seconds of one request."""
    began = time.perf_counter()
    client.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    answer = client.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"status {answer.status}")
    return time.perf_counter() - began


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def endure(process: subprocess.Popen, port: int, bodies: list[bytes], requests: int) -> dict:
    """Many requests from eight clients: memory after the first thousand and at the end."""

    def client(number: int, count: int) -> None:
        connection = HTTPConnection("127.0.0.1", port)
        for turn in range(count):
            ask(connection, bodies[(number * 37 + turn) % len(bodies)])

    def all_clients(count: int) -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(8) as clients:
            list(clients.map(client, range(8), [count // 8] * 8))
        return time.perf_counter() - began

    all_clients(1000)
    before = resident_megabytes(process.pid)
    seconds = all_clients(requests - 1000)
    after = resident_megabytes(process.pid)
    return {
        "requests": requests,
        "errors": 0,
        "requests_per_second": round((requests - 1000) / seconds, 1),
        "resident_mb_after_1000": round(before, 1),
        "resident_mb_at_the_end": round(after, 1),
        "growth": round(after / before - 1, 4),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--requests", type=int, default=0, help="from 8 clients, at the end; 0 for none")
    asked.add_argument("--kept", type=Path, help="folder for the trained models, used again if it is there")
    options = asked.parse_args()
    folder = options.kept or Path(tempfile.mkdtemp(prefix="patron-serving-"))
    rows_file = folder / "rows.json"
    if not rows_file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        rows_file.write_text(json.dumps(train(folder)))
    rows = json.loads(rows_file.read_text())

    def body(n: int, first: int = 0, **params: object) -> bytes:
        chosen = [rows[(first + place) % len(rows)] for place in range(n)]
        return json.dumps({"dataframe_records": chosen} | ({"params": params} if params else {})).encode()

    bin_folder = Path(sys.executable).parent
    plain = [str(bin_folder / "mlflow"), "models", "serve", "--env-manager", "local", "--model-uri"]
    commands = {
        "trivial": [*plain, str(folder / "trivial")],
        "patron serve": [str(bin_folder / "patron"), "serve", "--model", str(folder / "patron")],
        "mlflow models serve": [*plain, str(folder / "patron")],
    }
    seconds: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(running(command)) for name, command in commands.items()}
        for turn in range(-1, options.rounds):  # the first round only warms up
            for n, times in ASKED.items():
                for name, (_, port) in servers.items():
                    params = {} if name == "trivial" else {"reasons": False}
                    client = HTTPConnection("127.0.0.1", port)  # idle ones are closed after five seconds
                    ask(client, body(1, **params))
                    taken = [ask(client, body(n, 31 * k + turn, **params)) for k in range(times)]
                    if turn >= 0:
                        seconds.setdefault((name, n), []).extend(taken)
        found: dict[str, object] = {"features": len(rows[0]) - 2, "milliseconds": {}}
        for (name, n), taken in seconds.items():
            ordered = sorted(taken)
            found["milliseconds"].setdefault(name, {})[n] = {
                "p50": round(1e3 * statistics.median(ordered), 1),
                "p99": round(1e3 * ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))], 1),
            }
        of = found["milliseconds"]
        found["p50_ratio_to_trivial"] = {
            n: round(of["patron serve"][n]["p50"] / of["trivial"][n]["p50"], 2) for n in ASKED
        }
        if options.requests:
            bodies = [body(1, k, reasons=False) for k in range(len(rows))]
            found["endurance"] = endure(*servers["patron serve"], bodies, options.requests)
    if options.kept is None:
        shutil.rmtree(folder)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
