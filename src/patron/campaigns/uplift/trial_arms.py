"""The trial arms in past contacts: the offer of each contact, and the control customers it is compared with.

A contact names its offer, or else its campaign. Control customers often have no offer on record, since none
was made to them: they are the control group of every offer of the same campaign.
"""

import ibis
import ibis.expr.types as ir

__all__ = ["EVERY_CONTACT", "offers_made"]

EVERY_CONTACT = "contact"
"""Name of the offer if neither offers nor campaigns are on record."""


def offers_made(contacts: ir.Table) -> ir.Table:
    """The contacts with the offer of each.

    Parameters
    ----------
    contacts
        treated (1 contacted, 0 control), any other columns, and optionally offer and campaign

    Returns
    -------
    ir.Table
        The columns of `contacts`, and offer_made: the offer or, if no offer is on record at all, the
        campaign. Rows: those of `contacts`; but a control customer without an offer is repeated for each
        offer of the same campaign, or for every offer if no campaign is on record

    Examples
    --------
    >>> contacts = ibis.memtable({"customer_id": [1, 2, 3], "treated": [1, 1, 0],
    ...                           "offer": ["call", "letter", None]})
    >>> offers_made(contacts).order_by("customer_id", "offer_made").to_pandas()["offer_made"].tolist()
    ['call', 'letter', 'call', 'letter']
    """
    named_by = [
        name for name in ("offer", "campaign") if name in contacts.columns and _has_values(contacts[name])
    ]
    if not named_by:
        return contacts.mutate(offer_made=ibis.literal(EVERY_CONTACT))
    named = contacts.mutate(offer_made=contacts[named_by[0]].fill_null(EVERY_CONTACT))
    if named_by[0] == "campaign":
        return named
    without_offer = named.offer.isnull() & (named.treated == 0)
    others = named.filter(~without_offer)
    campaign = "campaign" if "campaign" in named_by else None
    of_campaign = others[campaign] if campaign else ibis.null("string")
    offers = others.select(made=others.offer_made, of_campaign=of_campaign).distinct()
    control = named.filter(without_offer)
    same = [control.campaign.isnull() | (control.campaign == offers.of_campaign)] if campaign else []
    columns = {name: name for name in contacts.columns}
    repeated = (
        control.join(offers, same or ibis.literal(True)).select(**columns, offer_made="made").distinct()
    )
    unmatched = control.anti_join(offers, same) if campaign else control.limit(0)
    return ibis.union(others, repeated, unmatched.select(*others.columns))


def _has_values(column: ir.Column) -> bool:
    return bool(column.notnull().any().to_pyarrow().as_py())
