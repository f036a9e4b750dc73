"""Spark gives the numbers of one machine: every feature and every score, to a billionth."""

import gc
import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from patron.datasets.simulate import simulate
from patron.errors import PatronError, PatronWarning, SourceError
from patron.features.assemble import assemble_features
from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle.bundle import Bundle
from patron.scores.arrow import frame_of
from patron.scoring import on_spark
from patron.scoring.job_stages import Stages
from patron.scoring.options import ScoringJob, ScoringOptions
from patron.settings import Settings
from patron.settings.inputs import read_history
from patron.snapshots.churn_window import adaptive_windows
from patron.snapshots.spine import make_spine
from patron.storage.job_folder import Checkpoint, open_workspace
from patron.storage.target import choose_target
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History
from patron.tracking.batch import save_batch_model
from patron.tracking.package import save_bundle_as_model
from patron.training.fit_bundle import fit_bundle
from patron.training.plan import TrainingPlan
from patron.workflows.features import build_features
from patron.workflows.score import score
from small_model import CATALOGUE, make_value_model
from spark_here import NOT_RUN, SMALL_SPARK, WHY_NOT_SPARK

pytestmark = [
    pytest.mark.skipif(WHY_NOT_SPARK is not None, reason=f"{NOT_RUN}: {WHY_NOT_SPARK}"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # PySpark leaves them to the end
]

AS_OF = date(2024, 3, 31)
ON_A_FREE_PORT = {
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.binding.port": "0",
}
CLOSE: dict[str, Any] = {"rtol": 1e-9, "atol": 0, "check_exact": False}


@dataclass(frozen=True)
class Business:
    """The same tables for both engines; `beside` are those that are no part of a History."""

    duckdb: History
    spark: History
    beside: dict[str, str]
    model: Path

    def settings(self, engine: str, **more: Any) -> Settings:
        asked = {"engine": engine, "as_of": AS_OF, "spark": {"partitions": 2}, "drift": {"measure": False}}
        beside = {"tables": self.beside, "learning": {"rate_card": {"review": 2.0, "interview": 50.0}}}
        return Settings.model_validate(asked | beside | more)


@pytest.fixture(scope="module")
def spark():
    """One small Spark for all tests of this file: a JVM takes long to start."""
    from patron.tables.spark import open_spark

    engine = open_spark(master="local[2]", config=SMALL_SPARK | ON_A_FREE_PORT)
    yield engine
    engine.session.stop()
    gc.collect()


def contracts(customers: pd.Series) -> pd.DataFrame:
    """Some have no contract, some had one, some have two; some columns are empty here and there."""
    rng = np.random.default_rng(5)
    theirs = rng.choice(customers, 1500)
    started = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 450, 1500), "D")
    ended = started + pd.to_timedelta(rng.integers(20, 500, 1500), "D")
    return pd.DataFrame(
        {
            "customer_id": theirs,
            "started_at": started,
            "ended_at": ended.where(rng.random(1500) < 0.6),
            "plan": rng.choice(["basic", "gold", None], 1500),
            "price": rng.choice([9.99, 14.5, np.nan], 1500),
            "period_days": rng.choice([30.0, 365.0], 1500),
            "renews_at": (started + pd.to_timedelta(30, "D")).where(rng.random(1500) < 0.5),
        }
    )


@pytest.fixture(scope="module")
def business(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("business")
    shop = simulate(n_customers=2500, days=460, seed=9)
    tables = {
        "transactions": shop.transactions,
        "engagement": shop.engagement,
        "customers": shop.customers,
        "subscriptions": contracts(shop.customers["customer_id"]),
    }
    ideas = shop.contributions.assign(unit_value=np.where(shop.contributions["kind"] == "idea", 7.5, np.nan))
    served = pd.DataFrame(
        {
            "customer_id": shop.customers["customer_id"].iloc[::2],
            "period_start": "2023-01-01",
            "period_end": "2023-06-30",
            "retention_cost": 3.25,
        }
    )
    beside = {"referrals": shop.referrals, "contributions": ideas, "costs_to_serve": served}
    for name, table in (tables | beside).items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    files: dict[str, Any] = {name: str(folder / f"{name}.parquet") for name in tables}
    asked: dict[str, Any] = {"churn": ChurnDefinition(activity="purchases"), "today": date(2024, 12, 31)}
    here = History.read(**files, **asked)
    few = shop.customers["customer_id"].head(400)
    known = History.read(
        **{name: table[table["customer_id"].isin(few)] for name, table in tables.items()}, **asked
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)
        fitted = fit_bundle(
            known.until(AS_OF), TrainingPlan(horizon_days=60, max_snapshots=3, inference="map")
        )
    return Business(
        duckdb=here,
        spark=History.read(**files, **asked, connection=spark),
        beside={name: str(folder / f"{name}.parquet") for name in beside},
        model=save_bundle_as_model(fitted, folder / "model"),
    )


def by_customer(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("customer_id", ignore_index=True)


def test_both_engines_read_and_reject_the_same_rows(business):
    assert business.spark.report.to_dict() == business.duckdb.report.to_dict()


@pytest.fixture(scope="module")
def features(business, tmp_path_factory):
    """What both engines made of the tables, and the folder that Spark wrote."""
    out = tmp_path_factory.mktemp("built") / "features"
    here = build_features(business.settings("duckdb"), history=business.duckdb)
    there = build_features(business.settings("spark", features={"out": out}), history=business.spark)
    return here, there, out


def test_every_feature_is_the_same_on_both_engines(features):
    here, there, out = features
    assert there.catalogue == here.catalogue
    assert set(here.catalogue.topics) >= {"rhythm", "engagement", "subscription", "attributes"}
    assert {file.parent.name for file in out.rglob("*.parquet")} == {f"as_of={AS_OF}"}
    expected, found = by_customer(here.table.to_pandas()), by_customer(pq.read_table(out).to_pandas())
    for name in here.catalogue.names:
        pd.testing.assert_series_equal(found[name], expected[name], **CLOSE)


def test_every_window_of_churn_is_the_same_on_both_engines(business):
    here, there = (
        by_customer(adaptive_windows(history, make_spine(history, AS_OF), 90).to_pandas())
        for history in (
            known.with_churn(ChurnDefinition(window="adaptive", segment="channel"))
            for known in (business.duckdb, business.spark)
        )
    )
    assert here["window_days"].nunique() > 20
    pd.testing.assert_frame_equal(there, here, check_dtype=False)


@pytest.fixture(scope="module")
def scored(business, tmp_path_factory):
    """Both scorecards, the settings of Spark's, and the folder that it wrote."""
    out = tmp_path_factory.mktemp("scored") / "scores"
    parts = tmp_path_factory.mktemp("parts")
    alone = business.settings("duckdb", score={"potentials": parts / "here.parquet"})
    here = score(alone, history=business.duckdb, model=str(business.model))
    asked = business.settings("spark", score={"out": out, "potentials": parts / "there.parquet"})
    there = score(asked, history=business.spark, model=str(business.model))
    return here, there, asked, out


def test_every_score_is_the_same_on_both_engines(scored):
    here, there, _, out = scored
    expected, found = by_customer(here.scorecard), by_customer(there.scorecard)
    assert list(found) == list(expected)
    assert len(here.scored) > 1000  # enough to be ranked among themselves
    for name in expected.columns.drop("scored_at"):
        pd.testing.assert_series_equal(found[name], expected[name], **CLOSE)
    assert {file.parent.name for file in out.rglob("*.parquet")} == {f"as_of={AS_OF}"}
    assert there.to_dict()["scored"] == len(here.scored)


def test_every_part_of_the_potentials_is_the_same_on_both_engines(scored):
    here, there = scored[:2]
    expected, found = pd.read_parquet(here.equity.path), pd.read_parquet(there.equity.path)
    assert len(expected) == len(here.scored)
    held = ["network_made", "learning_potential", "new_categories", "cost_to_serve"]
    assert expected[held].gt(0).any().all()
    pd.testing.assert_frame_equal(found, expected, **CLOSE)
    assert there.equity.customer_equity == pytest.approx(here.equity.customer_equity, rel=1e-9)
    assert there.costs_to_serve == here.costs_to_serve


def test_a_spark_worker_that_dies_is_one_sentence_and_harms_no_scores(
    business, features, scored, monkeypatch
):
    out = scored[3]
    before = {file: file.stat().st_mtime_ns for file in out.rglob("*")}
    rows = features[0].table.to_pyarrow()
    begun = Checkpoint(key={}, as_of=str(AS_OF), scored_at="2024-04-01", features=len(rows), others=0)
    options = ScoringOptions(reasons=False)
    bundle = Bundle.load(business.model / "artifacts" / "bundle")
    monkeypatch.setattr(on_spark, "save_batch_model", save_deadly_model)
    with open_workspace(out, str(out)) as work:
        pq.write_table(rows, work.features)
        pq.write_table(rows.slice(0, 0), work.others)
        with pytest.raises(PatronError, match=DEAD_WORKER):
            on_spark.OnSpark().score(ScoringJob(work, bundle, options, Stages()), begun)
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*")} == before
    assert [path.name for path in out.parent.iterdir()] == ["scores"]


DEAD_WORKER = r"^A Spark worker died, .* Nothing was written\.$"


def save_deadly_model(bundle, folder, **asked):
    """A model that kills each process that loads it, except this one, as the kernel does without memory."""
    saved = save_batch_model(bundle, folder, **asked)
    with (saved / "batch_entry.py").open("a") as code:
        code.write(f"\nimport os\n\nif os.getpid() != {os.getpid()}:\n    os.kill(os.getpid(), 9)\n")
    return saved


@pytest.fixture
def remote(spark):
    """The address at which the same Spark is a Spark Connect server."""
    pytest.importorskip("grpc_status", reason=f"{NOT_RUN}, through Spark Connect")
    java = spark.session._jvm
    service = getattr(getattr(java, "org.apache.spark.sql.connect.service.SparkConnectService$"), "MODULE$")
    service.start(spark.session._jsc.sc())
    yield f"sc://127.0.0.1:{service.localPort()}"
    nothing = java.scala.Option.empty()
    service.stop(nothing, nothing)


ELSEWHERE = """
import sys
from patron.models.bundle.bundle import Bundle
from patron.settings.inputs import read_history
from patron.workflows.score import score
from patron.settings import Settings
from patron.progress import silent
from patron.scoring.engines import choose_engine

asked, model = Settings.model_validate_json(sys.argv[1]), sys.argv[2]
history = read_history(asked)
catalogue = Bundle.load(model + "/artifacts/bundle").catalogue
engine = choose_engine("spark", **asked.spark.model_dump())
out = engine.check_features_target(asked.features.out)
engine.write_features(history.until(asked.as_of), catalogue, out, active_within_days=None, progress=silent)
score(asked, history=history, model=model)
"""
"""What another process does: one that has used Spark Connect can use no other Spark."""


def test_a_remote_spark_gives_the_same_numbers(remote, tmp_path):
    shop = simulate(n_customers=200, days=460, seed=2)
    tables = {"transactions": shop.transactions, "referrals": shop.referrals}
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    given = {"tables": {name: str(tmp_path / f"{name}.parquet") for name in tables}, "as_of": str(AS_OF)}
    there = given | {
        "engine": "spark",
        "spark": {"remote": remote, "partitions": 1},
        "features": {"out": str(tmp_path / "features")},
        "score": {"out": str(tmp_path / "scores")},
    }
    model = str(save_bundle_as_model(SIMPLE, tmp_path / "model"))
    python = [sys.executable, "-c", ELSEWHERE, json.dumps(there), model]
    home = os.environ | {"PATRON_HOME": str(tmp_path / "home")}
    ran = subprocess.run(python, cwd=tmp_path, env=home, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr

    here = Settings.model_validate(given)
    history = read_history(here).until(AS_OF)
    features = assemble_features(history, make_spine(history, AS_OF), SIMPLE.catalogue).to_pandas()
    scores = by_customer(score(here, model=model).scorecard)
    assert (scores["network_potential"] > 0).any()
    written = choose_target(tmp_path / "scores", partition_by="as_of").read(AS_OF, None)
    assert not (tmp_path / ".features.work").exists()
    for expected, found in (
        (by_customer(features), by_customer(pq.read_table(tmp_path / "features").to_pandas())),
        (scores.drop(columns="scored_at"), by_customer(frame_of(written))),
    ):
        for name in expected.columns.drop("as_of"):
            pd.testing.assert_series_equal(found[name], expected[name], **CLOSE)


FEW = ("frequency", "recency", "T", "monetary_value", "net_spend_total", "acquisition_cost")
SIMPLE = Bundle(
    churn=None,
    value=make_value_model(),
    catalogue=FeatureCatalogue(tuple(spec for spec in CATALOGUE.specs if spec.name in FEW)),
    horizon_days=60,
    value_horizon_days=365,
    first_day=date(2023, 1, 1),
    as_of=AS_OF,
)


TEXT = """customer_id,order_at,amount
7,2024-01-31,12.50
7,2024-01-31 18:30:00, 3.25
8,31.01.2024,12d
8,2024/02/01,-1.5
9,2024-02-31,4
9,epoch,4
9,2024,4
10,2024-02-02T10:11:12Z,1e3
10,2024-02-02T23:30:00+00:00,nan
11,  2024-02-03 ,5
11,2.2.2024 6:30 PM,5
,2024-02-03,5
12,2024-02-04,
"""


def test_text_is_read_alike(spark, tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text(TEXT)
    zone = {"time_zones": "Asia/Tehran", "today": date(2024, 12, 31)}
    here, there = History.read(file, **zone), History.read(file, **zone, connection=spark)
    assert there.report.to_dict() == here.report.to_dict()
    rows = [
        table.transactions.select("customer_id", "order_at", "day", "amount").order_by("order_at").to_pandas()
        for table in (here, there)
    ]
    pd.testing.assert_frame_equal(*rows)


def test_a_file_that_was_cut_short_is_one_sentence(spark, tmp_path):
    file = tmp_path / "sales.parquet"
    sales = pd.DataFrame({"customer_id": [7], "order_at": ["2024-01-31"], "amount": [1.0]})
    sales.to_parquet(file)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"'transactions': \S+sales.parquet cannot be read: [^\n]+\.$"):
        History.read(file, connection=spark)


def test_a_spark_frame_is_read_where_it_is(spark):
    frame = spark.session.createDataFrame([(7, "2024-01-31", 1.0)], ["customer_id", "order_at", "amount"])
    history = History.read(frame)
    assert history.connection.session is spark.session
    assert history.days.to_pyarrow().to_pylist()[0]["net_amount"] == 1.0
