"""Everything that can be set, in one frozen value: `Settings`.

::

    root.py            `Settings`: all sections together, from defaults, a TOML file and flags
    section.py         what settings are made of: a frozen section, and fields that describe themselves
    tables.py          where the tables are, and what their columns are called
    prediction.py      check, features, train, score, serve, backtest, drift, demo
    spark.py           which Spark does the work if the engine is Spark
    campaign.py        target, measure, audience
    follow_up.py       uplift, win-back, due, settle, stages, lookalikes
    economics.py       kpis, costs, plans, what-if
    policy.py          what the business decides: offer, stages, tiers, network, learning
    fields.py          every setting as its field describes it
    file.py            models/patron.toml, made from the fields
    training_plan.py   the plan of a training: the part of the settings that the rooms below see
    bundle_policy.py   the part of the frozen policy that a scoring may change
    effect_learning.py how the effects of offers are learned, and from what
    value_model.py     the value model of due dates and win-backs
    inputs.py          from the settings to validated tables

Settings come from three places, and later ones override earlier ones: the defaults, a TOML file
(`--settings patron.toml`), and the flags of the command line (or the keywords of `read_settings`). Unknown
keys are refused, with a suggestion of what was meant. Paths are relative to the working folder, as in flags.
All settings are listed with their defaults in ``models/patron.toml`` and ``docs/settings.md``, both made from
the fields. For example::

    as_of = 2017-12-03
    horizon_days = 28
    margin = 0.35

    [tables.transactions]
    source = "purchases/*.parquet"
    columns = { customer_id = "Customer ID", order_at = "Booked", amount = "Total" }

    [score]
    model = "models:/patron@champion"
    out = "scores.parquet"
"""

from patron.settings.root import Settings, read_settings
from patron.settings.tables import TableSettings

__all__ = ["Settings", "TableSettings", "read_settings"]
