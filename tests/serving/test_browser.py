"""What a person sees of a training in MLflow's own pages, by a browser without a window.

The browser is Chromium; where it is missing these tests are skipped, and say how to get it. The screenshots
stay in out/test-artefacts/.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlflow_server import mlflow_server
from patron.reports.figures import calibration_figure
from patron.tracking.registry import register
from patron.tracking.runs import start_training_run
from patron.tracking.store import open_store

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
KEPT = Path(__file__).resolve().parents[2] / "out" / "test-artefacts"
RUN = "train as of 2024-06-30"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="There is no Chromium: apt-get install chromium, then run this again."
    ),
]


@pytest.fixture(scope="module")
def recorded(bundle, tmp_path_factory):
    """A store in which two versions were trained, the first of them champion: (its folder, id of a run)."""
    home = tmp_path_factory.mktemp("browser")
    shares = np.linspace(0.05, 0.95, 10)
    table = pd.DataFrame(
        {
            "predicted": shares,
            "observed": shares,
            "observed_low": shares,
            "observed_high": shares,
            "customers": 50,
        }
    )
    store = open_store(home)
    with start_training_run(store, RUN) as run:
        run.log_settings({"horizon_days": 90})
        run.log_metrics({"auc": 0.81})
        run.log_figure(calibration_figure(table), "calibration")
        uri = run.log_bundle(bundle)
        for _ in range(2):
            register(store, uri, bundle, {"auc": 0.81}, run_id=run.run_id)
    return home / "mlruns", store.experiment_id, run.run_id


@pytest.fixture(scope="module")
def pages(recorded):
    """`mlflow ui` on that store: its address."""
    with mlflow_server(recorded[0], "ui") as address:
        yield address


@pytest.fixture
def see(pages, tmp_path):
    """(page, name of the screenshot) → what the page holds once it has been drawn."""

    def see(page, name):
        KEPT.mkdir(parents=True, exist_ok=True)
        picture = KEPT / f"{name}.png"
        picture.unlink(missing_ok=True)
        flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--window-size=1400,1000",
        ]
        flags += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=60000", "--dump-dom"]
        seen = subprocess.run(
            [CHROMIUM, *flags, f"--screenshot={picture}", f"{pages}/#/{page}"],
            capture_output=True,
            text=True,
            check=True,
            timeout=240,
        )
        assert picture.stat().st_size > 10_000
        return seen.stdout

    return see


def test_the_run_is_among_the_runs(recorded, see):
    assert RUN in see(f"experiments/{recorded[1]}/runs", "runs")


def test_the_figure_of_a_run_is_shown(recorded, see):
    page = see(f"experiments/{recorded[1]}/runs/{recorded[2]}/artifacts/figures/calibration.png", "figure")
    assert RUN in page
    assert "figures/calibration.png" in page


def test_the_model_shows_who_is_champion(recorded, see):
    page = see("models/patron", "model")
    assert "Version 1" in page
    assert "champion" in page
    assert "challenger" in page
