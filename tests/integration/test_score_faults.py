"""Whatever stops a scoring, the scores of before are still there, and nothing is lost or counted twice.

Jobs run in processes of their own, as `patron score` does, forked from one in which everything is imported.
"""

import os
import resource
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from patron.storage.job_folder import sole_job

KILLED_AFTER = (0.2, 0.45, 0.7, 0.85)  # of the time that a job takes
MOST_BYTES = 4000  # of one file, on a disk that is full
SCORES = "scores.parquet"


def run_patron(arguments, home, told, full_from):
    """`patron` in this process, telling a file; the disk is full from a step on, if one is named."""
    os.environ |= {"PATRON_HOME": str(home), "OMP_NUM_THREADS": "1"}
    told_to = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(told_to, 1)
    os.dup2(told_to, 2)
    from patron.cli import main, terminal

    begin = terminal.Steps.__call__

    def begin_or_be_full(steps, step):
        begin(steps, step)
        if full_from is not None and step.startswith(full_from):
            resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))

    terminal.Steps.__call__ = begin_or_be_full
    main(arguments)


@pytest.fixture
def job(forks, home, trained, shop, tmp_path):
    """Start `patron score` of the small business in a folder; `job.settings` is its settings file."""
    tables = tmp_path / "tables"
    tables.mkdir()
    sales = tables / "sales.parquet"
    shop.transactions.to_parquet(sales)
    settings = tables / "patron.toml"
    settings.write_text(
        f'[tables]\ntransactions = "{sales}"\n[drift]\nmeasure = false\n'
        f'[score]\nmodel = "{trained.model_uri}"\nbatch_rows = 12\nreasons = false\n'
    )

    def start(*flags, out=SCORES, full_from=None):
        arguments = ["score", "--settings", str(settings), "--out", str(tmp_path / "out" / out), *flags]
        started = forks.Process(target=run_patron, args=(arguments, home, tmp_path / "told", full_from))
        started.start()
        return started

    (tmp_path / "out").mkdir()
    return start


@pytest.fixture
def finish(job, tmp_path):
    """Run `patron score` to its end: exit code, what it told, and the names in the folder of the scores."""

    def finish(*flags, **how):
        ended = job(*flags, **how)
        ended.join()
        return ended.exitcode, (tmp_path / "told").read_text(), sorted(os.listdir(tmp_path / "out"))

    return finish


def scores(path):
    return pd.read_parquet(path).drop(columns="scored_at")


def test_a_job_killed_four_times_resumes_and_ends_as_if_undisturbed(job, finish, tmp_path):
    began = time.monotonic()
    assert finish(out="undisturbed.parquet")[0] == 0
    seconds = time.monotonic() - began
    expected = scores(tmp_path / "out" / "undisturbed.parquet")
    target = tmp_path / "out" / SCORES
    old = expected.head(3)
    old.assign(scored_at=None).to_parquet(target)
    for part in KILLED_AFTER:
        started = job("--resume")
        started.join(seconds * part)
        started.kill()
        started.join()
        seen = scores(target)  # a reader at this moment has the old or the new, whole
        assert len(seen) in (len(old), len(expected))
    code, told, names = finish("--resume")
    assert (code, names) == (0, [SCORES, "undisturbed.parquet"]), told
    pd.testing.assert_frame_equal(scores(target), expected)


@pytest.mark.parametrize(
    ("full_from", "left"),
    [
        ("Building features", []),  # not even the features are whole: there is nothing to resume
        ("Scoring", [f".{SCORES}.work"]),
        ("Writing", [f".{SCORES}.work"]),
    ],
)
def test_a_full_disk_is_a_sentence_and_the_old_scores_stay(finish, tmp_path, full_from, left):
    target = tmp_path / "out" / SCORES
    target.write_text("the scores of yesterday")
    code, told, names = finish(full_from=full_from)
    assert (code, names) == (1, [*left, SCORES]), told
    assert told.strip().splitlines()[-1] == f"patron: Cannot write {target}: File too large."
    assert target.read_text() == "the scores of yesterday"
    temporary = [path for path in (tmp_path / "out").rglob(".*") if path.name not in left]
    assert temporary == []
    code, told, names = finish("--resume")
    assert (code, names) == (0, [SCORES]), told
    assert ("Resumed an interrupted job" in " ".join(told.split())) == bool(left)


def test_of_two_jobs_on_one_target_the_second_is_refused(job, finish, tmp_path):
    with sole_job(tmp_path / "out" / f".{SCORES}.lock", SCORES):
        code, told, _ = finish()
    assert code == 1
    assert f"Another job (process {os.getpid()}) is scoring into" in told
    both = [job(), job()]
    for one in both:
        one.join()
    codes = sorted(one.exitcode for one in both)
    assert codes in ([0, 0], [0, 1])
    assert pq.read_table(tmp_path / "out" / SCORES).num_rows > 0
    assert os.listdir(tmp_path / "out") == [SCORES]


def cut_short(sales: Path) -> Path:
    sales.write_bytes(sales.read_bytes()[:-2000])
    return sales


def in_latin_1(sales: Path) -> Path:
    text = sales.with_suffix(".csv")
    frame = pd.read_parquet(sales)
    frame.assign(category="Gemüse").to_csv(text, index=False, encoding="latin-1")
    return text


def with_an_open_quote(sales: Path) -> Path:
    text = sales.with_suffix(".csv")
    lines = pd.read_parquet(sales).to_csv(index=False).splitlines()
    lines[5] = lines[5].replace(",", ',"', 1)
    text.write_text("\n".join(lines))
    return text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (cut_short, "cannot be read"),
        (in_latin_1, "is not UTF-8 text. Save it as UTF-8."),
        (with_an_open_quote, "opens a quote that is never closed. Close or remove it."),
    ],
)
def test_a_spoiled_table_is_a_sentence_and_the_old_scores_stay(finish, tmp_path, spoil, words):
    (tmp_path / "out" / SCORES).write_text("the scores of yesterday")
    spoiled = spoil(tmp_path / "tables" / "sales.parquet")
    code, told, names = finish("--transactions", str(spoiled))
    assert code == 2
    assert words in told.strip().splitlines()[-1]
    assert "Traceback" not in told
    assert names == [SCORES]
    assert (tmp_path / "out" / SCORES).read_text() == "the scores of yesterday"
