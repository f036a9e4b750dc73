"""`patron target` learns the effect of contact from contacts and transactions, or reports why it cannot."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from patron.campaigns.effect_sources import CampaignEffects, EffectSource
from patron.cli import app
from patron.errors import DateError, SettingsError
from patron.settings import Settings
from patron.tables.history import History
from patron.workflows.target import target
from patron.workflows.uplift import learn_effects

CONTACTED, TODAY, HORIZON, CUSTOMERS = date(2024, 5, 1), date(2024, 6, 30), 30, 800
QUICK = {"learners": ["smooth"], "folds": 2}
CHANNELS = "[channels.email]\n"
VOUCHER = """
[offers.voucher]
channel = "email"
incentive = 1.0
contact_cost = 0.2
acceptance = 0.2
"""
CALL = VOUCHER.replace("voucher", "call")
LETTER = VOUCHER.replace("voucher", "letter").replace("contact_cost = 0.2", "contact_cost = 40.0")


@pytest.fixture(scope="module")
def business():
    """Those with large orders come back if they get a voucher, the others stay away for it."""
    rng = np.random.default_rng(4)
    n = CUSTOMERS
    ids = np.arange(1, n + 1)
    large, treated = ids % 2 == 0, rng.random(n) < 0.5
    who = np.repeat(ids, 1 + rng.integers(0, 3, n))
    days = np.datetime64("2024-01-01") + rng.integers(0, 100, len(who)).astype("timedelta64[D]")
    past = pd.DataFrame({"customer_id": who, "order_at": days, "amount": np.where(who % 2 == 0, 80.0, 10.0)})
    returns = rng.random(n) < np.where(treated, np.where(large, 0.8, 0.1), 0.35)
    back = np.datetime64(CONTACTED) + rng.integers(0, HORIZON - 1, n).astype("timedelta64[D]")
    after = pd.DataFrame({"customer_id": ids, "order_at": back, "amount": 20.0})[returns]
    last = pd.DataFrame({"customer_id": [1], "order_at": [np.datetime64(TODAY)], "amount": [1.0]})
    transactions = pd.concat([past, after, last], ignore_index=True)
    contacts = pd.DataFrame(
        {"customer_id": ids, "contacted_at": CONTACTED, "offer": "voucher", "treated": treated.astype(int)}
    )
    scores = pd.DataFrame(
        {
            "customer_id": ids,
            "as_of": TODAY,
            "horizon_days": HORIZON,
            "model_version": "3",
            "churn_probability": 0.5,
            "growth_potential": 30.0,
        }
    )
    return transactions, contacts, scores


@pytest.fixture(scope="module")
def offers(tmp_path_factory):
    path = tmp_path_factory.mktemp("offers") / "offers.toml"
    path.write_text(CHANNELS + VOUCHER + LETTER)
    return path


@pytest.fixture
def settings_for(business, offers):
    """The settings of the business, with other tables or another choice where asked."""

    def make(scores=None, tables=None, chosen=None, **more):
        transactions, contacts, own = business
        given = {"transactions": transactions, "contacts": contacts, **(tables or {})}
        wanted = {"scores": own if scores is None else scores, "offers": offers, "rest_days": 0}
        return Settings.model_validate(
            {
                "tables": {name: table for name, table in given.items() if table is not None},
                "target": {**wanted, **(chosen or {})},
                "uplift": QUICK,
                **more,
            }
        )

    return make


@pytest.fixture(scope="module")
def by_command(business, offers, tmp_path_factory):
    """The folder and the JSON of one command; the transactions go on after the day of the scores."""
    folder = tmp_path_factory.mktemp("command")
    transactions, contacts, scores = business
    later = pd.DataFrame({"customer_id": [1], "order_at": [pd.Timestamp("2024-12-30")], "amount": [5.0]})
    asked = ["target", "--offers", str(offers), "--budget", "500", "--margin", "0.5", "--json"]
    tables = {"transactions": pd.concat([transactions, later]), "contacts": contacts, "scores": scores}
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
        asked += [f"--{name}", str(folder / f"{name}.parquet")]
    settings = folder / "patron.toml"
    settings.write_text(
        f'horizon_days = 180\n[uplift]\nlearners = ["smooth"]\nfolds = 2\nout = "{folder}/unasked.csv"\n'
    )
    asked += ["--rest-days", "0", "--settings", str(settings), "--out", str(folder / "summer")]
    ran = CliRunner().invoke(app, asked)
    assert ran.exit_code == 0, ran.stderr
    assert not (folder / "unasked.csv").exists()
    return folder / "summer", json.loads(ran.stdout)


def told(made):
    return " ".join(made.sentences())


def test_one_command_learns_from_contacts_and_transactions_whom_to_contact(by_command):
    folder, plan = by_command
    listed = pd.read_parquet(folder / "list.parquet")
    assert (listed["customer_id"] % 2 == 0).mean() > 0.95
    assert listed["why"].str.startswith("contact adds").all()
    assert set(listed["offer"]) == {"voucher"}
    assert plan["effects"]["letter"]["why"] == "no past contact with it is on record"
    basis = plan["effects"]["voucher"]
    assert (basis["basis"], basis["why"]) == ("uplift", None)
    assert basis["treated"] + basis["control"] == CUSTOMERS
    assert json.loads((folder / "plan.json").read_text())["effects"] == plan["effects"]


def test_it_learns_what_patron_uplift_learns_on_the_day_and_in_the_horizon_of_the_scores(
    by_command, settings_for
):
    settings = settings_for(
        as_of=TODAY, horizon_days=HORIZON, margin=0.5, chosen={"budget": 500.0, "rest_days": 0}
    )
    effects = learn_effects(settings).effects
    made = target(settings, effects=effects)
    pd.testing.assert_frame_equal(
        made.plan.listed, pd.read_parquet(by_command[0] / "list.parquet"), check_dtype=False
    )
    assert made.to_dict()["effects"]["voucher"]["basis"] == "given"
    assert "The effects of these offers were learned from a trial: voucher." in told(made)
    assert "Acceptance is assumed for letter, since the effects given do not name it." in told(made)


def test_the_source_of_each_effect_is_reported():
    bases = {
        "voucher": EffectSource("uplift", 612, 588),
        "call": EffectSource("adjusted", 90, 210),
        "letter": EffectSource("assumed", why="no past contact with it is on record"),
    }
    learned = "Effects, at a margin of 35%, were learned from past contacts"
    assert CampaignEffects(None, bases, contacts=True, margin=0.35).sentences() == [
        f"{learned} with a random control group (voucher from 612 treated and 588 control customers).",
        f"{learned} without randomisation, adjusted: not uplift "
        "(call from 90 treated and 210 control customers).",
        "Acceptance is assumed for letter, since no past contact with it is on record. An assumed effect "
        "counts the whole growth potential, a learned one only the days of the horizon: the assumed effect "
        "may look better than it is.",
    ]


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_offers_whose_contacts_show_no_effect_are_named_and_tables_may_be_read_already(
    settings_for, business, tmp_path
):
    three = tmp_path / "three.toml"
    three.write_text(CHANNELS + VOUCHER + LETTER + CALL)
    chosen = business[1]["customer_id"] % 2
    contacts = pd.concat(
        [
            business[1].assign(treated=1),
            business[1].assign(offer="letter").head(60).assign(treated=[1] * 50 + [0] * 10),
            business[1].assign(offer="call", treated=chosen),
        ]
    )
    blind = settings_for(tables={"contacts": contacts, "transactions": None}, chosen={"offers": three})
    made = target(blind, history=History.read(business[0]))
    why = {name: basis.why for name, basis in made.effects.sources.items()}
    assert why["voucher"].startswith("all 800 customers were treated, so nothing shows what they would have")
    assert why["letter"] == ("50 customers were treated and 10 were not; effects need at least 50 of each")
    assert why["call"].startswith("the control group was not randomised: trees distinguish 400 treated from")
    said = made.sentences()[1]
    assert said.startswith("The contacts are only used for the rest days; the effect of contact")
    assert all(reason in said for reason in why.values())
    assert made.plan.listed["why"].str.startswith("risk").all()


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"contacted_at": TODAY}, "the 30 days after the contacts have not passed"),
        ({"offer": "call"}, "no past contact with it is on record"),
        ({"offer": None}, "the contacts do not name their offer"),
        ({"customer_id": range(9001, 9801)}, "none of the 800 customers contacted was known before"),
    ],
)
def test_contacts_that_show_no_effect_only_exclude_customers_and_the_reason_is_reported(
    settings_for, business, change, why
):
    contacts = business[1].assign(**change).dropna(axis=1)
    made = target(settings_for(tables={"contacts": contacts}))
    said = [sentence for sentence in made.sentences() if why in sentence]
    assert len(said) == 1
    assert said[0].startswith("The contacts are only used for the rest days; the effect of contact")
    assert made.to_dict()["effects"]["voucher"]["basis"] == "assumed"


def test_without_transactions_contacts_serve_for_rest_only(settings_for):
    made = target(settings_for(tables={"transactions": None}))
    assert "without the transactions nothing shows what customers did afterwards." in told(made)
    assert "uplift" not in told(made)


def test_effects_that_are_given_win(settings_for, business):
    given = pd.DataFrame(
        {"customer_id": business[2]["customer_id"], "offer": "voucher", "effect_on_value": 9.0, "low": 8.0}
    ).assign(high=10.0, sleeping_dog=False)
    made = target(settings_for(chosen={"effects": given}))
    assert made.effects.sources["voucher"].basis == "given"
    assert len(made.plan.listed) == CUSTOMERS


def test_scores_of_another_day_than_the_tables_are_refused(settings_for, business):
    early = business[2].assign(as_of=CONTACTED - timedelta(days=1))
    with pytest.raises(SettingsError, match="The contacts continue until 2024-05-01, but the scores are of"):
        target(settings_for(scores=early))
    late = business[2].assign(as_of=TODAY + timedelta(days=9))
    with pytest.raises(DateError, match="as_of 2024-07-09 is after the last day"):
        target(settings_for(scores=late))


def test_one_customer_is_one_customer(settings_for, business):
    one = business[2].head(1)
    alone = settings_for(scores=one.assign(growth_potential=0.0), tables={"contacts": None})
    assert told(target(alone)).startswith("The only customer is not worth contacting: every contact is")
    worth = settings_for(scores=one.assign(growth_potential=90.0), tables={"contacts": None})
    assert told(target(worth)).startswith("1 of 1 customer is worth contacting")
