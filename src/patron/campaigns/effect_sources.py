"""Where the effect of each offer comes from: a table, past contacts, or the assumed acceptance."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import pandas as pd

if TYPE_CHECKING:
    from patron.campaigns.uplift.from_contacts import LearnedEffects

__all__ = ["Basis", "CampaignEffects", "EffectSource"]

type Basis = Literal["given", "uplift", "adjusted", "assumed"]

_NOT_COMPARABLE = (
    "An assumed effect counts the whole growth potential, a learned one only the days of the horizon: the "
    "assumed effect may look better than it is."
)


@dataclass(frozen=True, slots=True)
class EffectSource:
    """Where the effect of one offer comes from.

    Attributes
    ----------
    basis
        "given" in a table of effects; "uplift", learned from past contacts with a randomised control group;
        "adjusted", learned without randomisation; or "assumed", the acceptance of the offer
    treated, control
        number of treated and control customers it was learned from; None if it was not learned
    why
        why it is assumed although there are effects or contacts, as a clause; or None
    """

    basis: Basis
    treated: int | None = None
    control: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class CampaignEffects:
    """The effects that a list is made from.

    Attributes
    ----------
    table
        as in :func:`patron.campaigns.allocation.plan.make_plan`; None if every effect is assumed
    sources
        offer → where its effect comes from
    contacts
        whether there are contacts; they at least prevent contacting customers again too soon
    margin
        share of an amount that learned effects count

    Examples
    --------
    >>> CampaignEffects.assumed(["call"], contacts=False, margin=0.5).sentences()
    ['The effect of contact is assumed, not learned: risk × value × acceptance of the offer.']
    """

    table: pd.DataFrame | None
    sources: Mapping[str, EffectSource]
    contacts: bool
    margin: float

    @classmethod
    def assumed(cls, offers: Sequence[str], *, contacts: bool, margin: float, why: str | None = None) -> Self:
        """The acceptance of every offer.

        Parameters
        ----------
        offers
            names of the offers
        contacts
            whether there are contacts
        margin
            share of an amount that counts
        why
            why nothing better is known, as a clause; or None
        """
        return cls(None, dict.fromkeys(offers, EffectSource("assumed", why=why)), contacts, margin)

    @classmethod
    def given(cls, offers: Sequence[str], table: pd.DataFrame, *, contacts: bool, margin: float) -> Self:
        """The effects in a table; the acceptance of each offer that it does not name.

        Parameters
        ----------
        offers
            names of the offers
        table
            key (customer_id, offer)
        contacts
            whether there are contacts
        margin
            share of an amount that counts
        """
        named = set(table["offer"])
        missing = EffectSource("assumed", why="the effects given do not name it")
        sources = {name: EffectSource("given") if name in named else missing for name in offers}
        return cls(table, sources, contacts, margin)

    @classmethod
    def learned(
        cls, offers: Sequence[str], learned: "LearnedEffects", table: pd.DataFrame | None, *, margin: float
    ) -> Self:
        """The effects learned from past contacts; the acceptance of each offer whose contacts show none.

        Parameters
        ----------
        offers
            names of the offers
        learned
            what was learned
        table
            its effects on the customers of the scores, or None if there are none
        margin
            share of an amount that counts
        """
        balances = {found.offer: found.balance for found in learned.offers}
        sources = {}
        for name in offers:
            if (balance := balances.get(name)) is None:
                sources[name] = EffectSource("assumed", why=learned.refused[name])
            else:
                basis: Basis = "uplift" if balance.is_randomised else "adjusted"
                sources[name] = EffectSource(basis, balance.treated, balance.control)
        return cls(table, sources, True, margin)

    def to_dict(self) -> dict[str, Any]:
        """Offer → basis, treated, control and why."""
        return {offer: asdict(source) for offer, source in self.sources.items()}

    def sentences(self) -> list[str]:
        """Which offers had a control group, and which effects are assumed and why."""
        given = [name for name, source in self.sources.items() if source.basis == "given"]
        assumed = {name: source.why for name, source in self.sources.items() if source.basis == "assumed"}
        lines = (
            [f"The effects of these offers were learned from a trial: {', '.join(given)}."] if given else []
        )
        lines += self._about_learning("uplift", "past contacts with a random control group")
        lines += self._about_learning("adjusted", "past contacts without randomisation, adjusted: not uplift")
        if len(assumed) < len(self.sources):
            whys = "; ".join(f"for {name}, since {why}" for name, why in assumed.items())
            return [*lines, *([f"Acceptance is assumed {whys}. {_NOT_COMPARABLE}"] if assumed else [])]
        formula = "risk × value × acceptance of the offer"
        if not any(assumed.values()):
            return [f"The effect of contact is assumed, not learned: {formula}."]
        whys = "; ".join(dict.fromkeys(_why(name, why, assumed) for name, why in assumed.items()))
        use = "The contacts are only used for the rest days; the" if self.contacts else "The"
        return [f"{use} effect of contact is assumed, not learned ({formula}): {whys}."]

    def _about_learning(self, basis: str, how: str) -> list[str]:
        own = {name: source for name, source in self.sources.items() if source.basis == basis}
        if not own:
            return []
        counts = "; ".join(
            f"{name} from {source.treated:,} treated and {source.control:,} control customers"
            for name, source in own.items()
        )
        return [f"Effects, at a margin of {self.margin:.0%}, were learned from {how} ({counts})."]


def _why(name: str, why: str | None, assumed: Mapping[str, str | None]) -> str:
    """Why the effect of an offer is assumed; without its name if the reason is the same for all."""
    return str(why) if len(set(assumed.values())) == 1 else f"for {name}, {why}"
