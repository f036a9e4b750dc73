"""Scoring in batches gives what scoring in one frame gives; an interrupted job is resumed, or not."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from patron.datasets.simulate import simulate
from patron.errors import PatronError, SettingsError
from patron.features.assemble import assemble_features
from patron.scores.not_scored import append_not_scored
from patron.scores.scorecard import make_scorecard
from patron.scoring import on_duckdb
from patron.settings import Settings
from patron.snapshots.spine import make_spine, not_eligible
from patron.storage.job_folder import fingerprint, open_workspace
from patron.tables.history import History
from patron.workflows.score import score

AS_OF = "2024-01-31"


@pytest.fixture(scope="module")
def files(shop, tmp_path_factory):
    """The tables of the small business as files, which a later job can know again."""
    folder = tmp_path_factory.mktemp("tables")
    shop.transactions.to_parquet(folder / "sales.parquet")
    shop.customers.to_parquet(folder / "customers.parquet")
    return {"transactions": folder / "sales.parquet", "customers": folder / "customers.parquet"}


@pytest.fixture
def run(files, trained, tmp_path, warned):
    """Score the files with the small model in batches of 60; `score` settings and others as asked."""

    def run(*, out=tmp_path / "scores.parquet", as_of=AS_OF, tables=files, score_settings=None, **changes):
        wanted = {"out": out, "model": trained.model_uri, "batch_rows": 60, "reasons": False}
        chosen = {"tables": tables, "as_of": as_of, "drift": {"measure": False}} | changes
        return score(Settings.model_validate(chosen | {"score": wanted | (score_settings or {})}))

    return run


def stop_after(monkeypatch, batches):
    """Let the disk be full after so many batches."""
    scored, calls = on_duckdb.score_batch, []

    def or_stop(*args, **kwargs):
        calls.append(None)
        if len(calls) > batches:
            raise OSError(28, "No space left on device")
        return scored(*args, **kwargs)

    monkeypatch.setattr(on_duckdb, "score_batch", or_stop)


def without_time(scorecard):
    return scorecard.drop(columns="scored_at")


def test_batches_give_the_scores_of_one_frame_to_the_last_bit(trained, tmp_path, warned):
    many = simulate(n_customers=1600, days=420, seed=5)
    file = tmp_path / "sales.parquet"
    many.transactions.to_parquet(file)
    tables = {"transactions": file, "customers": many.customers}
    wanted = {"model": trained.model_uri, "batch_rows": 333}
    scored = score(Settings.model_validate({"tables": tables, "score": wanted, "drift": {"measure": False}}))

    history = History.read(**tables)
    as_of = history.known_until
    bundle = scored.bundle
    assert bundle.percentiles is not None
    spine = make_spine(history, as_of)
    features = assemble_features(history, spine, bundle.catalogue).order_by("customer_id").to_pandas()
    assert len(features) > 1000  # so many are ranked among each other
    whole = make_scorecard(features, bundle, model_version=trained.recorded.model_version)
    others = not_eligible(history, as_of).order_by("customer_id").to_pandas()
    expected = append_not_scored(whole, others)
    pd.testing.assert_frame_equal(without_time(scored.scorecard), without_time(expected), check_exact=True)
    assert scored.summary.value_at_risk == pytest.approx(expected["value_at_risk"].sum())
    top = expected.sort_values("value_at_risk", ascending=False, kind="stable")["customer_id"].head(10)
    assert scored.most_valuable_at_risk()["customer_id"].tolist() == top.tolist()


def test_running_again_gives_the_same_rows(run):
    first, again = run().scorecard, run().scorecard
    pd.testing.assert_frame_equal(without_time(first), without_time(again))
    assert not again["customer_id"].duplicated().any()


def test_nothing_is_left_beside_the_file(run, tmp_path):
    run()
    assert [path.name for path in tmp_path.iterdir()] == ["scores.parquet"]


def test_each_stage_tells_its_rows_and_seconds(run, shop):
    stages = {stage["stage"]: stage for stage in run().to_dict()["stages"]}
    assert stages["Reading the tables"]["rows"] == len(shop.transactions) + len(shop.customers)
    assert stages[f"Building features as of {AS_OF}"]["rows"] > 0
    assert all(stage["seconds"] >= 0 for stage in stages.values())


def test_an_interrupted_job_is_resumed(run, tmp_path, monkeypatch, warned):
    whole = run(out=tmp_path / "undisturbed.parquet")
    (tmp_path / "scores.parquet").write_text("old")
    with monkeypatch.context() as patch:
        stop_after(patch, batches=2)
        with pytest.raises(OSError, match="No space"):
            run()
    assert (tmp_path / "scores.parquet").read_text() == "old"
    went_on = run(score_settings={"resume": True})
    assert went_on.shards_reused == 2
    assert "Reading the tables" not in [stage.stage for stage in went_on.stages]
    assert "Resumed an interrupted job: reused its features and 2 shards." in went_on.sentences()
    pd.testing.assert_frame_equal(without_time(went_on.scorecard), without_time(whole.scorecard))
    assert len(went_on.scorecard["scored_at"].unique()) == 1
    assert "Cannot resume" not in warned()
    assert {path.name for path in tmp_path.iterdir()} == {"undisturbed.parquet", "scores.parquet"}


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("the settings changed", {"as_of": "2024-01-30"}),
        ("the settings changed", {"score_settings": {"resume": True, "reasons": True}}),
    ],
)
def test_other_settings_begin_anew(run, monkeypatch, warned, what, changes):
    with monkeypatch.context() as patch:
        stop_after(patch, batches=2)
        with pytest.raises(OSError, match="No space"):
            run()
    anew = run(**{"score_settings": {"resume": True}} | changes)
    assert anew.shards_reused is None
    assert f"Cannot resume: {what}" in warned()


def test_other_tables_begin_anew(run, shop, tmp_path, monkeypatch, warned):
    tables = {"transactions": tmp_path / "tables" / "sales.csv"}
    tables["transactions"].parent.mkdir()
    shop.transactions.to_csv(tables["transactions"], index=False)
    with monkeypatch.context() as patch:
        stop_after(patch, batches=2)
        with pytest.raises(OSError, match="No space"):
            run(tables=tables)
    shop.transactions.iloc[1:].to_csv(tables["transactions"], index=False)
    assert run(tables=tables, score_settings={"resume": True}).shards_reused is None
    assert "Cannot resume: the tables changed" in warned()


def test_another_version_of_patron_begins_anew(run, monkeypatch, warned):
    with monkeypatch.context() as patch:
        stop_after(patch, batches=2)
        with pytest.raises(OSError, match="No space"):
            run()
    monkeypatch.setattr("patron.scoring.resuming.package_version", lambda name: "99.0")
    assert run(score_settings={"resume": True}).shards_reused is None
    assert "Cannot resume: patron changed" in warned()


def test_what_referrals_and_contributions_bring_is_the_same_after_a_stop(
    run, files, shop, tmp_path, monkeypatch, warned
):
    folder = tmp_path / "beside"
    folder.mkdir()
    beside = {name: folder / f"{name}.parquet" for name in ("referrals", "contributions")}
    for name, file in beside.items():
        getattr(shop, name).to_parquet(file)
    asked = {"tables": files | beside, "learning": {"rate_card": {"review": 2.0, "idea": 10.0}}}
    parts = [tmp_path / name for name in ("parts.parquet", "parts_of_whole.parquet")]
    whole = run(out=tmp_path / "whole.parquet", score_settings={"potentials": parts[1]}, **asked)
    assert whole.scorecard[["network_potential", "learning_potential"]].sum().min() > 0
    with monkeypatch.context() as patch:
        stop_after(patch, batches=2)
        with pytest.raises(OSError, match="No space"):
            run(score_settings={"potentials": parts[0]}, **asked)
    went_on = run(score_settings={"potentials": parts[0], "resume": True}, **asked)
    assert went_on.shards_reused == 2
    pd.testing.assert_frame_equal(without_time(went_on.scorecard), without_time(whole.scorecard))
    pd.testing.assert_frame_equal(*map(pd.read_parquet, parts))

    with monkeypatch.context() as patch:
        stop_after(patch, batches=2)
        with pytest.raises(OSError, match="No space"):
            run(**asked)
    shop.referrals.iloc[1:].to_parquet(beside["referrals"])
    assert run(score_settings={"resume": True}, **asked).shards_reused is None
    assert "Cannot resume: the tables changed" in warned()


def test_what_a_database_has_not_moved_yet_counts_too(tmp_path):
    (tmp_path / "shop.db").touch()
    before = fingerprint({"transactions": f"duckdb:///{tmp_path}/shop.db::sales"})
    (tmp_path / "shop.db.wal").write_text("one more row")
    assert before is not None
    assert fingerprint({"transactions": f"duckdb:///{tmp_path}/shop.db::sales"}) != before


def test_frames_cannot_be_known_again(run, shop, warned):
    run(tables={"transactions": shop.transactions}, score_settings={"resume": True})
    assert "the tables are not files" in warned()


def test_a_shard_that_was_cut_short_is_scored_again(run, tmp_path, monkeypatch, warned):
    with monkeypatch.context() as patch:
        stop_after(patch, batches=2)
        with pytest.raises(OSError, match="No space"):
            run()
    part = tmp_path / ".scores.parquet.work" / "scored-00001.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    assert run(score_settings={"resume": True}).shards_reused == 1


def test_a_second_job_on_the_same_target_is_refused(run, tmp_path):
    with (
        open_workspace(tmp_path / "scores.parquet", "scores.parquet"),
        pytest.raises(PatronError, match=r"Another job \(process \d+\) is scoring into .*scores\.parquet at"),
    ):
        run()
    assert len(run().scorecard)


def test_folders_of_other_days_stay(run, tmp_path):
    folder = tmp_path / "scores"
    parted = {"partition_by": "as_of"}
    first = run(out=folder, score_settings=parted)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    second = run(out=folder, as_of="2024-01-30", score_settings=parted)
    assert sorted(path.name for path in folder.iterdir()) == ["as_of=2024-01-30", "as_of=2024-01-31"]
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert len(first.scorecard) + len(second.scorecard) == pq.read_table(folder).num_rows
    run(out=folder, score_settings=parted)
    assert len(first.scorecard) + len(second.scorecard) == pq.read_table(folder).num_rows
    assert [path.name for path in tmp_path.iterdir()] == ["scores"]


def test_a_folder_for_each_tier_is_replaced_as_a_whole(run, tmp_path):
    folder, parted = tmp_path / "scores", {"partition_by": "value_tier"}
    once = run(score_settings={"out": None}).scorecard
    run(out=folder, as_of="2024-01-30", score_settings=parted)
    made = run(out=folder, score_settings=parted).scorecard
    names = {path.name for path in folder.iterdir()}
    assert {"value_tier=vip", "value_tier=low"} <= names
    columns = list(once.columns)
    same = made.sort_values("customer_id", ignore_index=True)[columns]
    pd.testing.assert_frame_equal(
        without_time(same), without_time(once.sort_values("customer_id", ignore_index=True))
    )


def test_a_folder_that_holds_something_else_is_left_alone(run, tmp_path):
    precious = tmp_path / "scores" / "thesis.docx"
    precious.parent.mkdir()
    precious.write_text("years of work")
    with pytest.raises(SettingsError, match=r"would be replaced, and holds thesis\.docx"):
        run(out=precious.parent, score_settings={"partition_by": "value_tier"})
    assert precious.read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["scores"]  # it was told before the work


@pytest.mark.parametrize("flag", ["out", "potentials"])
def test_a_file_that_a_table_is_read_from_is_not_replaced(run, files, flag):
    before = files["customers"].read_bytes()
    with pytest.raises(SettingsError, match=r"The table 'customers' is read from '.*customers\.parquet'"):
        run(score_settings={flag: files["customers"]})
    assert files["customers"].read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"partition_by": "customer_value"}, "has too many values"),
        ({"partition_by": "tier"}, "is not a column of the scorecard"),
        ({"partition_by": "as_of", "out": None}, "needs a folder"),
        ({"to": "sqlite:///crm.db"}, "leave out --out"),
        ({"to": "crm", "out": None}, "does not name a database"),
    ],
)
def test_targets_that_make_no_sense_are_refused_before_the_work(run, tmp_path, settings, words):
    with pytest.raises(SettingsError, match=words):
        run(out=settings.pop("out", tmp_path / "scores"), score_settings=settings)


def test_csv_comes_back_with_the_types_of_parquet(run, tmp_path):
    parquet, text = run().scorecard, run(out=tmp_path / "scores.csv").scorecard
    pd.testing.assert_frame_equal(without_time(parquet), without_time(text))
