"""How long days, months and years are where a calendar is not at hand. Any module may use it.

A mean year has 365.25 days, so a mean month has 30.4375. Discounting counts 365 days a year, as the published
figures of the field do: see :data:`patron.money.UNITS_PER_YEAR`.
"""

__all__ = ["DAYS_PER_MONTH", "DAYS_PER_YEAR", "SECONDS_PER_DAY"]

SECONDS_PER_DAY = 86_400
DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
