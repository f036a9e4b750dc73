"""What contact changes for whom, as far as it is known: given, learned from past contacts, or assumed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from patron.campaigns.allocation.offers import OfferBook
from patron.progress import Progress
from patron.settings import Settings
from patron.tables.history import History
from patron.workflows.campaign_inputs import Scores, read_effects
from patron.workflows.uplift import EffectsResult, Trial, learn_effects

__all__ = ["Basis", "KnownEffects", "known_effects"]

_UNLIKE = (
    "Such an effect counts the whole growth potential, one that was learned the days of the horizon alone: "
    "beside each other, the assumed one may look better than it is."
)
_TEACHES = ("transactions", "engagement", "subscriptions")  # tables that show what customers did


@dataclass(frozen=True, slots=True)
class Basis:
    """Where the effect of one offer comes from.

    Attributes
    ----------
    basis
        "given" in a table of effects; "uplift", learned from past contacts with a control group drawn by
        lot; "adjusted", where the lot did not decide; or "assumed", the acceptance of the offer
    contacted, control
        count of customers contacted and left alone who taught it; None where none did
    why
        why it is assumed although there are effects or contacts, as a clause; or None
    """

    basis: Literal["given", "uplift", "adjusted", "assumed"]
    contacted: int | None = None
    control: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class KnownEffects:
    """The effects that a list is made from.

    Attributes
    ----------
    table
        as :func:`patron.campaigns.allocation.plan.make_plan` takes it; None where every effect is assumed
    bases
        offer → where its effect comes from
    contacts
        whether there are contacts, which at least keep customers from being contacted again too soon
    margin
        share of the amounts that learned effects count
    """

    table: pd.DataFrame | None
    bases: Mapping[str, Basis]
    contacts: bool
    margin: float

    def to_dict(self) -> dict[str, Any]:
        """Offer → basis, contacted, control and why."""
        return {offer: asdict(basis) for offer, basis in self.bases.items()}

    def sentences(self) -> list[str]:
        """Which offers had a control group, and which effects are assumed and why."""
        given = [name for name, basis in self.bases.items() if basis.basis == "given"]
        assumed = {name: basis.why for name, basis in self.bases.items() if basis.basis == "assumed"}
        told = [f"What contact changes was learned from a trial: {', '.join(given)}."] if given else []
        told += self._about_learning("uplift", "past contacts with a random control group")
        told += self._about_learning("adjusted", "past contacts without a lot, and adjusted: no uplift")
        if len(assumed) < len(self.bases):
            whys = "; ".join(f"of {name}, since {why}" for name, why in assumed.items())
            return [*told, *([f"Acceptance is assumed {whys}. {_UNLIKE}"] if assumed else [])]
        formula = "risk × value × acceptance of the offer"
        if not any(assumed.values()):
            return [f"What contact changes is assumed, not learned: {formula}."]
        whys = "; ".join(dict.fromkeys(_of_offer(name, why, assumed) for name, why in assumed.items()))
        use = "The contacts only tell who was contacted lately; what" if self.contacts else "What"
        return [f"{use} contact changes is assumed, not learned ({formula}): {whys}."]

    def _about_learning(self, basis: str, how: str) -> list[str]:
        own = {name: found for name, found in self.bases.items() if found.basis == basis}
        if not own:
            return []
        counts = "; ".join(
            f"{name} from {found.contacted:,} contacted and {found.control:,} left alone"
            for name, found in own.items()
        )
        return [f"What contact changes, at a margin of {self.margin:.0%}, was learned from {how} ({counts})."]


def known_effects(
    settings: Settings,
    book: OfferBook,
    scores: Scores,
    *,
    given: Any = None,
    history: History | None = None,
    progress: Progress,
) -> KnownEffects:
    """The effects of the offers: those that are given, or else those that the contacts and tables teach.

    Parameters
    ----------
    settings
        the tables, contacts among them; `uplift` says how effects are learned, and `margin` what part
        of an amount they count
    book
        the offers
    scores
        whose effects are wanted, on which day and within which horizon
    given
        table of effects, which wins; None to learn them
    history
        the tables but contacts, where they have been read already
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        the effects given are of another day or model than the scores
    DateError
        the tables end before the day of the scores
    SourceError, TableError
        a table cannot be read or used, or is of other customers
    """
    names = [offer.name for offer in book.offers]
    contacts = settings.tables.contacts is not None
    if given is not None:
        table = read_effects(given, scores)
        named = set() if table is None else set(table["offer"])
        missing = Basis("assumed", why="the effects given do not name it")
        bases = {name: Basis("given") if name in named else missing for name in names}
        return KnownEffects(table, bases, contacts, settings.margin)
    if not contacts:
        return KnownEffects(None, dict.fromkeys(names, Basis("assumed")), contacts, settings.margin)
    if history is None and all(getattr(settings.tables, name) is None for name in _TEACHES):
        blind = Basis("assumed", why="without the transactions nothing shows what they did afterwards")
        return KnownEffects(None, dict.fromkeys(names, blind), contacts, settings.margin)
    found = _learned(settings, names, scores, history, progress)
    trials = {trial.offer: trial for trial in found.trials}
    bases = {
        name: _of_trial(trials[name]) if name in trials else Basis("assumed", why=found.refused[name])
        for name in names
    }
    table = read_effects(found.effects, scores) if trials else None
    return KnownEffects(table, bases, contacts, settings.margin)


def _learned(
    settings: Settings, offers: list[str], scores: Scores, history: History | None, progress: Progress
) -> EffectsResult:
    """What `patron uplift` would find, as of the day of the scores and within their horizon."""
    same = settings.model_copy(
        update={
            "as_of": scores.as_of,
            "horizon_days": scores.horizon_days,
            "uplift": settings.uplift.model_copy(update={"out": None}),
        }
    )
    return learn_effects(same, history=history, offers=offers, progress=progress)


def _of_trial(trial: Trial) -> Basis:
    counts = trial.randomness.contacted, trial.randomness.control
    return Basis("uplift" if trial.randomness.is_random else "adjusted", *counts)


def _of_offer(name: str, why: str | None, assumed: Mapping[str, str | None]) -> str:
    """Why one of the offers is assumed; without its name where the reason is that of all."""
    return str(why) if len(set(assumed.values())) == 1 else f"of {name}, {why}"
