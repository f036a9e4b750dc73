"""Effects, win-back and offers due, from tables to results, by the workflows and on the command line."""

import json
import warnings
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from patron.cli import app
from patron.errors import (
    HistoryTooShortError,
    InputError,
    ModelNotFoundError,
    PatronWarning,
    SettingsError,
    TooFewCustomersError,
)
from patron.settings import Settings
from patron.workflows.due import due
from patron.workflows.uplift import learn_effects
from patron.workflows.win_back import win_back

FIRST, CONTACTED = date(2024, 1, 1), date(2024, 5, 1)
QUICK = {"folds": 2, "learners": ["s", "t"]}


def make_shop(n=1200, seed=0):
    """Customers buy in January to April; those with large orders come back if contacted."""
    rng = np.random.default_rng(seed)
    rows, contacts = [], []
    for customer in range(1, n + 1):
        large = customer % 2 == 0
        treated = rng.random() < 0.5
        for _ in range(1 + rng.integers(0, 3)):
            day = FIRST + timedelta(days=int(rng.integers(0, 100)))
            rows.append((customer, day, 80.0 if large else 10.0))
        if rng.random() < (0.8 if large and treated else 0.3):
            rows.append((customer, CONTACTED + timedelta(days=int(rng.integers(0, 29))), 20.0))
        contacts.append((customer, CONTACTED, "voucher", int(treated)))
    rows.append((n + 1, CONTACTED + timedelta(days=60), 1.0))  # the shop is open until then
    return (
        pd.DataFrame(rows, columns=["customer_id", "order_at", "amount"]),
        pd.DataFrame(contacts, columns=["customer_id", "contacted_at", "campaign", "treated"]),
    )


@pytest.fixture(scope="module")
def shop():
    return make_shop()


def settings_of(transactions, contacts=None, **given):
    tables = {"transactions": transactions} | ({} if contacts is None else {"contacts": contacts})
    return Settings.model_validate({"tables": tables, "horizon_days": 30, "uplift": QUICK, **given})


def test_effects_are_found_from_what_was_known_before_the_contact(shop):
    transactions, contacts = shop
    found = learn_effects(settings_of(transactions, contacts))
    effects = found.effects.set_index("customer_id")
    large = effects.index % 2 == 0
    retention = effects["effect_on_retention"]
    assert retention[large].mean() > retention[~large].mean() + 0.2
    assert retention[large].mean() == pytest.approx(0.5, abs=0.15)
    assert set(effects["basis"]) == {"uplift"}
    assert set(effects["offer"]) == {"voucher"}
    assert len(effects) == 1201
    metrics = found.shown.set_index(["outcome", "metric"])
    assert metrics.loc[("retention", "qini"), "low"] > 0
    told = found.sentences()[0]
    assert "control group looks randomised" in told
    assert "Within 30 days a contact changed retention by +" in told
    assert " points (± " in told


def test_what_happens_after_the_contact_is_no_feature_of_it(shop):
    """The same past, another future: the effects learned differ, the features that taught them do not."""
    from patron.campaigns.uplift.from_contacts import judged_contacts, with_offers
    from patron.features.assemble import discover_catalogue
    from patron.tables.history import History
    from patron.tables.records import Records

    transactions, contacts = shop
    days = pd.to_datetime(transactions["order_at"]).dt.date
    doubled = pd.concat([transactions, transactions[days >= CONTACTED].assign(amount=999.0)])
    taught = []
    for lines in (transactions, doubled):
        history = History.read(lines)
        table = Records.read(contacts=contacts, connection=history.connection)["contacts"]
        catalogue = discover_catalogue(history, CONTACTED - timedelta(days=1))
        rows = judged_contacts(history, with_offers(table, None)[0], catalogue, 30)
        assert set(pd.to_datetime(rows["as_of"]).dt.date) == {CONTACTED - timedelta(days=1)}
        taught.append(rows[list(catalogue.names)])
    pd.testing.assert_frame_equal(*taught)


def test_without_a_random_control_group_nothing_is_called_uplift(shop):
    transactions, contacts = shop
    with pytest.raises(SettingsError, match="nothing may be called uplift"):
        learn_effects(settings_of(transactions))
    with pytest.raises(InputError, match=r"Offer 'voucher': All 1,?200 customers were treated"):
        learn_effects(settings_of(transactions, contacts.assign(treated=1)))
    chosen = contacts.assign(treated=(contacts["customer_id"] % 2 == 0).astype(int))
    with pytest.raises(InputError, match=r"not randomised: .* Its effects are not uplift"):
        learn_effects(settings_of(transactions, chosen))


def test_a_control_group_that_was_not_randomised_gives_adjusted_effects_on_request(shop):
    transactions, contacts = shop
    rng = np.random.default_rng(1)
    chance = np.where(contacts["customer_id"] % 2 == 0, 0.8, 0.3)
    kept = contacts[rng.random(len(contacts)) < np.where(contacts["treated"] == 1, chance, 1 - chance)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", PatronWarning)
        found = learn_effects(settings_of(transactions, kept, uplift={**QUICK, "adjust": True}))
    assert "not randomised" in " ".join(str(warning.message) for warning in told)
    assert set(found.effects["basis"]) == {"adjusted"}


def test_contacts_that_cannot_be_judged_are_counted_or_refused(shop):
    transactions, contacts = shop
    late = contacts.assign(contacted_at=date(2024, 6, 25))
    with pytest.raises(HistoryTooShortError, match="The 30 days after the contacts have not passed"):
        learn_effects(settings_of(transactions, late))
    strangers = contacts.assign(customer_id=contacts["customer_id"] + 10_000)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", PatronWarning)
        with pytest.raises(InputError, match="None of the 1,200 customers contacted was known before"):
            learn_effects(settings_of(transactions, strangers))
    assert "1,200 of 1,200 contacts are left out" in str(told[0].message)


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_the_dormant_are_ranked_and_organic_returns_are_not_claimed(tmp_path):
    rng = np.random.default_rng(2)
    days = [
        (c, date(2022, 1, 1) + timedelta(days=int(d))) for c in range(400) for d in rng.integers(0, 800, 2)
    ]
    lines = pd.DataFrame(days, columns=["customer_id", "order_at"]).assign(amount=20.0)
    given = {"out": tmp_path / "win_back.parquet", "cost": 0.5, "lift": 0.3}
    found = win_back(settings_of(lines, horizon_days=90, win_back=given))
    assert found.returns.learned_
    assert set(found.listed["lifecycle_stage"]) <= {"dormant", "lost"}
    assert found.listed["value_less_cost"].is_monotonic_decreasing
    assert "a campaign must not claim them" in " ".join(found.sentences())
    assert (
        f"Second lives are valued over 365 days by {found.model}; return probabilities are learned from"
        in found.sentences()[2]
    )
    assert len(pd.read_parquet(given["out"])) == len(found.listed)


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_without_dormant_customers_there_is_no_one_to_win_back():
    lines = pd.DataFrame({"customer_id": range(60), "order_at": "2024-05-01", "amount": 5.0})
    again = lines.assign(order_at="2024-05-09")
    found = win_back(settings_of(pd.concat([lines, again])))
    assert found.sentences() == ["None of 60 customers is dormant or lost: there is no one to win back."]


def test_offers_due_come_from_the_command_line_as_one_list(tmp_path):
    contracts = tmp_path / "contracts.csv"
    contracts.write_text("customer_id,started_at,period_days\n7,2024-01-01,30\n8,2024-03-06,365\n")
    out = tmp_path / "due.csv"
    asked = ["due", "--subscriptions", str(contracts), "--as-of", "2024-03-06", "--out", str(out), "--json"]
    ran = CliRunner().invoke(app, asked)
    assert ran.exit_code == 0
    assert json.loads(ran.stdout.splitlines()[-1])["kinds"] == [
        {"kind": "renewal", "due_dates": 1, "customers": 1}
    ]
    assert pd.read_csv(out)["due_on"].tolist() == ["2024-03-31"]


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_next_purchases_are_dated_by_the_value_model():
    rng = np.random.default_rng(3)
    days = [
        (c, date(2024, 1, 1) + timedelta(days=int(d))) for c in range(150) for d in rng.integers(0, 180, 5)
    ]
    lines = pd.DataFrame(days, columns=["customer_id", "order_at"]).assign(amount=20.0, product_id="tea")
    products = pd.DataFrame({"product_id": ["tea"], "life_days": [60]})
    tables = {"transactions": lines, "products": products}
    found = due(Settings(tables=tables, due={"ahead_days": 30}))
    assert {"next_purchase", "life_end"} <= set(found.due_dates["kind"])
    bought = found.due_dates[found.due_dates["kind"] == "next_purchase"]
    assert (bought["low"] <= bought["due_on"]).all()
    assert (bought["due_on"] <= bought["high"]).all()
    assert found.due_dates["due_on"].max() <= found.last


def test_without_repeat_purchases_no_next_purchase_has_a_date():
    lines = pd.DataFrame(
        {"customer_id": [1, 2], "order_at": ["2024-05-01", "2024-06-01"], "amount": 9.0, "product_id": "tea"}
    )
    products = pd.DataFrame({"product_id": ["tea"], "warranty_days": [60]})
    found = due(Settings(tables={"transactions": lines, "products": products}))
    assert found.due_dates["kind"].tolist() == ["warranty_end", "warranty_end"]
    assert found.sentences()[:2] == [
        "No customer has bought on two days, so no next purchase has a date.",
        "2 offers are due from 2024-05-18 to 2024-08-30.",
    ]


def test_without_a_champion_nobody_is_won_back_by_purchases_that_came_once(monkeypatch):
    def none(store, uri):
        raise ModelNotFoundError(uri)

    monkeypatch.setattr("patron.scoring.value_model.load_bundle", none)
    lines = pd.DataFrame({"customer_id": [1, 2], "order_at": ["2023-05-01", "2024-06-01"], "amount": 9.0})
    with pytest.raises(TooFewCustomersError, match="no customer has bought on two days"):
        win_back(settings_of(lines))


def test_a_model_that_was_named_must_be_there():
    transactions, _ = make_shop(200)
    with pytest.raises(ModelNotFoundError):
        win_back(settings_of(transactions, win_back={"model": "models:/nobody/7"}))


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_contacts_with_ids_written_differently_are_refused(shop):
    transactions, contacts = shop
    others = contacts.assign(customer_id="c" + contacts["customer_id"].astype(str))
    said = rf"None of the {len(others):,} customers contacted was known .* [Aa]re their ids those of"
    with pytest.raises(InputError, match=said):
        learn_effects(settings_of(transactions, others))
