"""Which offer each past contact was about, and whom of the customers left alone it can be compared with.

A contact names its offer, or else its campaign. Customers who were left alone often have no offer on record,
since none was made to them: they are the control group of every offer of the same campaign.
"""

import ibis
import ibis.expr.types as ir

__all__ = ["EVERY_CONTACT", "offers_made"]

EVERY_CONTACT = "contact"
"""What the offer is called where neither offers nor campaigns are on record."""


def offers_made(contacts: ir.Table) -> ir.Table:
    """The contacts with the offer that each was about.

    Parameters
    ----------
    contacts
        treated (1 contacted, 0 left alone), any other columns, and offer and campaign where given

    Returns
    -------
    ir.Table
        The columns of `contacts`, and offer_made: the offer or, where none is on record at all, the campaign.
        Rows: those of `contacts`; but a customer left alone without an offer comes once for each offer of the
        same campaign, or for every offer where no campaign is on record

    Examples
    --------
    >>> contacts = ibis.memtable({"customer_id": [1, 2, 3], "treated": [1, 1, 0],
    ...                           "offer": ["call", "letter", None]})
    >>> offers_made(contacts).order_by("customer_id", "offer_made").to_pandas()["offer_made"].tolist()
    ['call', 'letter', 'call', 'letter']
    """
    said = [name for name in ("offer", "campaign") if name in contacts.columns and _is_said(contacts[name])]
    if not said:
        return contacts.mutate(offer_made=ibis.literal(EVERY_CONTACT))
    named = contacts.mutate(offer_made=contacts[said[0]].fill_null(EVERY_CONTACT))
    if said[0] == "campaign":
        return named
    alone = named.offer.isnull() & (named.treated == 0)
    others = named.filter(~alone)
    campaign = "campaign" if "campaign" in said else None
    of_campaign = others[campaign] if campaign else ibis.null("string")
    offers = others.select(made=others.offer_made, of_campaign=of_campaign).distinct()
    control = named.filter(alone)
    same = [control.campaign.isnull() | (control.campaign == offers.of_campaign)] if campaign else []
    columns = {name: name for name in contacts.columns}
    beside = control.join(offers, same or ibis.literal(True)).select(**columns, offer_made="made").distinct()
    without = control.anti_join(offers, same) if campaign else control.limit(0)
    return ibis.union(others, beside, without.select(*others.columns))


def _is_said(column: ir.Column) -> bool:
    return bool(column.notnull().any().to_pyarrow().as_py())
