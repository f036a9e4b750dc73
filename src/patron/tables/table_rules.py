"""Checks that concern a table as a whole: one currency, one row per customer, at least one purchase."""

import ibis.expr.types as ir

from patron.errors import TableError, some

__all__ = [
    "refuse_mixed_currencies",
    "refuse_repeated_customers",
    "refuse_without_purchase",
]


def refuse_mixed_currencies(table: str, rows: ir.Table) -> None:
    """Raise if the amounts of a table are in more than one currency, since they cannot be added.

    Parameters
    ----------
    table
        its name
    rows
        valid rows with a `currency`; rows without one share that of the others

    Raises
    ------
    TableError
        names up to five of them
    """
    named = rows.filter(rows.currency.notnull()).select("currency").distinct()
    currencies = named.order_by("currency").limit(6).to_pyarrow()["currency"].to_pylist()
    if len(currencies) > 1:
        raise TableError(
            f"table {table!r} has amounts in several currencies: {some(currencies)}. "
            "Convert them to one, or give the rows of one currency."
        )


def refuse_repeated_customers(customers: ir.Table) -> None:
    """Raise if a customer has more than one row in the customers table.

    Parameters
    ----------
    customers
        valid rows of the customers table

    Raises
    ------
    TableError
        names up to five of them and their count
    """
    often = customers.group_by("customer_id").aggregate(rows=customers.count())
    repeated = often.filter(often.rows > 1).customer_id
    count = repeated.count().to_pyarrow().as_py()
    if count:
        first = repeated.as_table().order_by("customer_id").limit(5).to_pyarrow()["customer_id"].to_pylist()
        more = f", … ({count} in all)" if count > len(first) else ""
        raise TableError(
            f"table 'customers' has more than one row for {count} of its customers: {some(first)}{more}. "
            "Keep one row per customer."
        )


def refuse_without_purchase(days: ir.Table) -> None:
    """Raise if no customer has a day with a positive net amount.

    Parameters
    ----------
    days
        one row per customer and day with a transaction

    Raises
    ------
    TableError
        the amounts are all zero, all negative, or all cancelled by refunds
    """
    found = days.aggregate(
        purchases=days.is_purchase.sum(),
        refunded=days.refund_amount.max(),
        bought=(days.net_amount + days.refund_amount).max(),
    )
    numbers = found.to_pyarrow().to_pylist()[0]
    if numbers["purchases"]:
        return
    if numbers["bought"] > 0:
        what = "no customer has a day whose amounts are positive once refunds are netted"
    elif numbers["refunded"] > 0:
        what = "no amount is positive, and negative amounts mean refunds"
    else:
        what = "every amount is zero"
    raise TableError(
        f"table 'transactions' holds no purchase: {what}. Map the column that holds what customers paid to "
        "amount, with purchases positive."
    )
