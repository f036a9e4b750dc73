"""A campaign from scores to list to measurement, through the commands, and each mistake in one sentence."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from patron.cli import main
from patron.datasets.campaigns import simulate_campaign
from patron.errors import DateError, InputError, SettingsError, TableError
from patron.settings import Settings
from patron.workflows.audience import audience
from patron.workflows.measure import measure
from patron.workflows.target import target

OFFERS = """
[channels.email]
[channels.phone]
capacity = 100

[offers.reminder]
channel = "email"
incentive = 0.0
contact_cost = 0.3
acceptance = 0.20
redemption = 0.0

[offers.voucher]
channel = "email"
incentive = 8.0
contact_cost = 0.3
acceptance = { mean = 0.32, strength = 50 }
redemption = 0.5

[offers.call]
channel = "phone"
incentive = 10.0
contact_cost = 5.0
acceptance = { low = 0.3, high = 0.45 }
redemption = 0.3
"""


@pytest.fixture(scope="module")
def world():
    return simulate_campaign(3000, past_contacts=10, seed=2)


@pytest.fixture
def offers(tmp_path):
    path = tmp_path / "offers.toml"
    path.write_text(OFFERS)
    return path


@pytest.fixture
def make(world, offers):
    def run(scores=None, tables=None, seed=0, **chosen):
        given = {"scores": world.scores if scores is None else scores, "offers": offers, **chosen}
        return target(Settings(target=given, tables=tables or {}, seed=seed))

    return run


def test_a_campaign_from_the_scores_to_its_profit(world, offers, tmp_path, capsys):
    scores, folder = tmp_path / "scores.parquet", tmp_path / "summer"
    world.scores.assign(as_of=pd.to_datetime(world.scores["as_of"]).dt.date).to_parquet(scores)
    asked = ["--scores", str(scores), "--offers", str(offers), "--budget", "1500", "--out", str(folder)]
    with pytest.raises(SystemExit, match="0"):
        main(["target", *asked, "--holdout", "0.2", "--json"])
    plan = json.loads(capsys.readouterr().out)
    assert plan == {**json.loads((folder / "plan.json").read_text()), "notes": []}
    listed = pd.read_parquet(folder / "list.parquet")
    assert list(listed) == [
        "customer_id", "offer", "channel", "cost", "expected_profit", "expected_profit_low",
        "expected_profit_high", "treated", "why",
    ]  # fmt: skip
    assert len(pd.read_csv(folder / "list.csv")) == len(listed) == plan["customers"]
    assert plan["cost"] == pytest.approx(listed["cost"].sum())
    assert 1400 < plan["cost"] <= 1500
    assert (listed["channel"] == "phone").sum() <= 100
    assert plan["gap"] < 1e-3
    assert plan["holdout"] == pytest.approx(0.2 * len(listed), abs=6)
    for rule in ("risk_only", "value_only", "random"):
        assert plan["alternatives"][rule]["expected_return"] < plan["expected_return"]
        assert plan["alternatives"][rule]["cost"] <= plan["cost"]

    what_happened = world.follow(listed.loc[listed["treated"], ["customer_id", "offer"]])
    sales, contacts = tmp_path / "sales.parquet", tmp_path / "contacts.csv"
    what_happened.transactions.to_parquet(sales)
    what_happened.contacts.to_csv(contacts, index=False)
    asked = ["--list", str(folder), "--transactions", str(sales), "--contacts", str(contacts)]
    with pytest.raises(SystemExit, match="0"):
        main(["measure", *asked, "--as-of", "2024-09-28", "--margin", str(world.margin), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["contaminated"], found["never_contacted"]) == (0, 0)
    profit = found["effects"]["profit"]
    truth = world.profit(listed.loc[listed["treated"], ["customer_id", "offer"]])
    assert profit["total_low"] < truth < profit["total_high"]
    assert json.loads((folder / "measured.json").read_text())["effects"]["profit"] == profit


def test_recently_contacted_or_suppressed_customers_are_not_on_the_list(make, world):
    contacts = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "contacted_at": ["2024-06-20", "2024-05-01", "2024-06-25", "2024-06-25"],
            "treated": [1, 1, 0, 1],
        }
    )
    made = make(tables={"contacts": contacts}, suppress=pd.DataFrame({"customer_id": ["5", "6"]}), holdout=0)
    assert not set(made.plan.listed["customer_id"]) & {1, 4, 5, 6}
    assert made.plan.left_out == {"contacted in the last 30 days": 2, "on the suppression list": 2}


def test_a_segment_gets_its_minimum(make, world):
    island = set(world.scores.loc[world.scores["segment"] == "islands", "customer_id"])
    made = make(budget=60.0, segment="segment", min_contacts={"islands": 40}, holdout=0)
    assert len(island & set(made.plan.listed["customer_id"])) >= 40
    assert made.plan.listed["cost"].sum() <= 60
    with pytest.raises(InputError, match=r"At least 9,999 customers of segment 'islands'"):
        make(segment="segment", min_contacts={"islands": 9999})


def test_effects_of_a_trial_take_the_place_of_assumed_acceptance(make, world):
    learned = pd.concat(
        pd.DataFrame(
            {
                "customer_id": world.truth["customer_id"],
                "offer": offer,
                "effect_on_value": (effect := world.truth[f"effect_on_value_{offer}"]),
                "low": effect - 1,
                "high": effect + 1,
                "sleeping_dog": effect < 0,
            }
        )
        for offer in world.offers["offer"]
    )
    assumed, informed = make(holdout=0), make(effects=learned, holdout=0)
    pairs = [made.plan.listed[["customer_id", "offer"]] for made in (assumed, informed)]
    assert world.profit(pairs[1]) > 1.3 * world.profit(pairs[0])
    merged = informed.plan.listed.merge(learned, on=["customer_id", "offer"])
    assert not merged["sleeping_dog"].any()
    assert (merged["expected_profit"] + merged["cost"]).to_numpy() == pytest.approx(
        merged["effect_on_value"].to_numpy()
    )
    with pytest.raises(SettingsError, match="The effects have model_version 9, but the scores have"):
        make(effects=learned.assign(model_version="9"))
    with pytest.raises(SettingsError, match="The effects belong to letter, but the offers are reminder"):
        make(effects=learned.assign(offer="letter"))
    with pytest.raises(
        TableError, match="None of the effects belong to customers in the scores: their ids look like 'c1'"
    ):
        make(effects=learned.assign(customer_id="c" + learned["customer_id"].astype(str)))


def test_a_list_may_be_empty(make, world, tmp_path):
    made = make(scores=world.scores.assign(growth_potential=0.1), out=tmp_path / "none")
    assert made.sentences()[0].startswith("None of 3,000 customers is worth contacting")
    assert pd.read_parquet(tmp_path / "none" / "list.parquet").empty
    assert json.loads((tmp_path / "none" / "plan.json").read_text())["expected_return"] == 0


def test_customers_without_a_score_are_counted_and_left_out(make, world):
    scores = world.scores.copy()
    scores.loc[:9, "churn_probability"] = np.nan
    made = make(scores=scores, holdout=0)
    assert made.plan.left_out == {"without a score": 10}
    assert not set(made.plan.listed["customer_id"]) & set(scores.loc[:9, "customer_id"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"budget": 0.1}, r"The budget of 0.10 is below the cheapest contact, 0.30 for offer 'reminder'"),
        ({"scores": None, "budget": 5.0}, None),
        ({"offers": "nowhere.toml"}, "The offers file 'nowhere.toml' does not exist"),
        ({"offers": None}, "No offers are named"),
        ({"segment": "planet", "min_contacts": {"x": 1}}, "the scores have no column 'planet'"),
        ({"min_contacts": {"x": 1}}, "A minimum for x needs the score column .* Name it with --segment"),
    ],
)
def test_unusable_input_is_explained_in_one_sentence(make, changes, sentence):
    if sentence is None:
        assert len(make(**changes).plan.listed) > 0
        return
    with pytest.raises(InputError, match=sentence):
        make(**changes)


def test_scores_of_two_days_or_models_are_refused(make, world):
    scores = world.scores.copy()
    scores.loc[5, "model_version"] = "2"
    with pytest.raises(SettingsError, match="several values of model_version: 1, 2"):
        make(scores=scores)
    scores = world.scores.assign(as_of=date(2024, 6, 30))
    scores.loc[5, "as_of"] = date(2024, 5, 31)
    with pytest.raises(SettingsError, match="several values of as_of: 2024-05-31, 2024-06-30"):
        make(scores=scores)
    with pytest.raises(TableError, match=r"1 customer appears in the scores twice, such as 1\."):
        make(scores=pd.concat([world.scores, world.scores.head(1)]))
    with pytest.raises(TableError, match="The scores lack growth_potential"):
        make(scores=world.scores.drop(columns="growth_potential"))


def test_contacts_after_the_day_of_the_scores_are_refused(make):
    later = pd.DataFrame({"customer_id": [1], "contacted_at": ["2024-07-15"], "treated": [1]})
    with pytest.raises(
        SettingsError, match="The contacts continue until 2024-07-15, but the scores are of 2024-06-30"
    ):
        make(tables={"contacts": later})


def test_contacts_that_end_long_before_the_scores_give_a_warning(make, warned):
    old = pd.DataFrame({"customer_id": [1], "contacted_at": ["2024-01-15"], "treated": [1]})
    make(tables={"contacts": old})
    assert "end on 2024-01-15, more than 30 days before the scores of 2024-06-30" in warned()


def test_ids_written_differently_give_a_warning(make, warned):
    strangers = pd.DataFrame({"customer_id": ["c1", "c2"], "contacted_at": "2024-06-20", "treated": 1})
    make(tables={"contacts": strangers})
    assert "None of the 2 customers contacted recently is in the scores" in warned()
    make(suppress=strangers)
    assert "their ids look like 'c1', those of the scores like '1'" in warned()


def test_the_reason_for_an_empty_list_is_reported(make, world, offers):
    ids = world.scores[["customer_id"]]
    assert "contacting: all of them are left out." in make(suppress=ids).sentences()[0]
    head, tail = OFFERS.replace("capacity = 100", "capacity = 0").split("[channels.phone]")
    offers.write_text(f"{head}capacity = 0\n[channels.phone]{tail}")
    assert "contacting: no channel of the offers has any capacity." in make().sentences()[0]


def test_a_folder_with_a_list_is_not_written_over(make, tmp_path):
    make(out=tmp_path / "summer")
    with pytest.raises(SettingsError, match="already holds a list"):
        make(out=tmp_path / "summer")


@pytest.fixture
def measured(make, world, tmp_path):
    made = make(out=tmp_path / "summer", holdout=0.3)
    treated = made.plan.listed[made.plan.listed["treated"]][["customer_id", "offer"]]
    after = world.follow(treated)

    def run(transactions=after.transactions, contacts=None, as_of="2024-09-28", folder="summer", **chosen):
        tables = {"transactions": transactions, **({} if contacts is None else {"contacts": contacts})}
        chosen = {"folder": tmp_path / folder, **chosen}
        return measure(Settings(measure=chosen, tables=tables, as_of=as_of, margin=world.margin))

    return run, made.plan.listed, after


def test_a_list_is_not_measured_before_its_horizon_has_passed(measured):
    run, _, after = measured
    early = after.transactions[after.transactions["order_at"] < "2024-08-01"]
    with pytest.raises(
        DateError, match="can be measured from 2024-09-28 on, but the transactions end on 2024-07-31"
    ):
        run(early, as_of=None)
    with pytest.raises(DateError, match="end on 2024-08-01"):
        run(as_of="2024-08-01")
    before = after.transactions.head(1).assign(order_at="2024-05-31")
    with pytest.raises(DateError, match="end on 2024-05-31"):
        run(before, as_of="2030-01-01")


def test_purchases_of_other_customers_measure_nothing(measured):
    run, _, after = measured
    others = after.transactions.assign(customer_id="c" + after.transactions["customer_id"].astype(str))
    with pytest.raises(
        TableError, match="customers of the list is in the transactions, whose ids look like 'c"
    ):
        run(others)


def test_a_campaign_that_the_contacts_do_not_name_is_refused(measured):
    run, _, after = measured
    with pytest.raises(SettingsError, match="A campaign is selected by the contacts"):
        run(campaign="winter")
    with pytest.raises(SettingsError, match="The contacts have no campaign 'winter'; they have summer"):
        run(campaign="winter", contacts=after.contacts.assign(campaign="summer"))


def test_an_all_treated_campaign_is_not_measured(make, measured, tmp_path):
    make(out=tmp_path / "all", holdout=0)
    with pytest.raises(InputError, match="Without a holdout it is unknown"):
        measured[0](folder="all")


def test_held_out_customers_contacted_anyway_are_counted(measured):
    run, listed, after = measured
    held_out = listed.loc[~listed["treated"], "customer_id"].head(7)
    strays = after.contacts.head(1).drop(columns="customer_id").merge(held_out, how="cross")
    missing = after.contacts.iloc[3:]
    found = run(contacts=pd.concat([missing, strays]))
    assert (found.contaminated, found.never_contacted) == (7, 3)
    told = " ".join(found.sentences())
    assert "7 of" in told
    assert "contacted anyway" in told
    assert "over the value horizon of the scores, not in these days. Margin is " in told


def test_real_costs_take_the_place_of_planned_ones(measured):
    run, _, after = measured
    planned, real = run(), run(contacts=after.contacts)
    assert planned.costs_are_planned
    assert not real.costs_are_planned
    margin, profit = (real.table.set_index("outcome").loc[name, "total"] for name in ("margin", "profit"))
    assert margin - profit == pytest.approx(after.contacts["cost"].sum(), rel=0.05)


def test_the_adjusted_effect_is_near_the_plain_one_and_no_wider(measured):
    run, _, _ = measured
    plain, adjusted = (
        run(adjust=adjust).table.set_index("outcome").loc["margin"] for adjust in (False, True)
    )
    widths = [row["high"] - row["low"] for row in (plain, adjusted)]
    assert widths[1] < 1.02 * widths[0]
    assert abs(adjusted["effect"] - plain["effect"]) < widths[0] / 2


def test_a_folder_without_a_list_is_refused(measured, tmp_path):
    with pytest.raises(SettingsError, match=r"has no list\.parquet"):
        measured[0](folder="elsewhere")


def test_the_audience_leaves_out_the_holdout_and_hides_addresses(make, tmp_path, capsys):
    listed = make(out=tmp_path / "summer", holdout=0.25).plan.listed
    people = tmp_path / "people.csv"
    pd.DataFrame(
        {"customer_id": range(1, 3001), "email": [f"P{n}@shop.test" for n in range(1, 3001)], "name": "=1+1"}
    ).to_csv(people, index=False)
    out = tmp_path / "audience.csv"
    asked = ["--list", str(tmp_path / "summer"), "--customers", str(people), "--out", str(out)]
    with pytest.raises(SystemExit, match="2"):
        main(["audience", *asked, "--columns", "customer_id,emial"])
    told = " ".join(capsys.readouterr().err.split())
    assert "no column 'emial' to export; the list has customer_id, offer," in told
    assert told.endswith("the customers table customer_id, email, name.")
    with pytest.raises(SystemExit, match="0"):
        main(["audience", *asked, "--columns", "customer_id,email,name", "--hashed", "email"])
    assert "without those held out" in capsys.readouterr().out
    audience = pd.read_csv(out)
    assert list(audience) == ["customer_id", "email", "name"]
    assert set(audience["customer_id"]) == set(listed.loc[listed["treated"], "customer_id"])
    assert (audience["email"].str.len() == 64).all()
    assert (audience["name"] == "'=1+1").all()


def test_a_table_of_other_customers_gives_an_audience_nothing(make, tmp_path):
    make(out=tmp_path / "summer")
    people = pd.DataFrame({"customer_id": ["c1"], "name": ["Ann"]})
    chosen = {"folder": tmp_path / "summer", "out": tmp_path / "a.csv", "columns": ["customer_id", "name"]}
    with pytest.raises(TableError, match="is in the customers table, whose ids look like 'c1'"):
        audience(Settings(audience=chosen, tables={"customers": people}))


def test_minimums_are_read_from_the_command_line(world, offers, tmp_path, capsys):
    scores = tmp_path / "scores.csv"
    world.scores.to_csv(scores, index=False)
    asked = ["--scores", str(scores), "--offers", str(offers), "--segment", "segment"]
    with pytest.raises(SystemExit, match="2"):
        main(["target", *asked, "--min-contacts", "islands"])
    assert "--min-contacts 'islands' cannot be read. Write SEGMENT=N" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        main(["target", *asked, "--min-contacts", "islands=20", "--budget", "40"])
    assert "Not written" in capsys.readouterr().out
