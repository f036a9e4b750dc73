"""The settings of the commands that make a campaign and measure it: one section per command."""

from pathlib import Path

from patron.settings.section import Section, Source, setting

__all__ = ["AudienceSettings", "MeasureSettings", "TargetSettings"]


class TargetSettings(Section):
    """Which customers `patron target` chooses from, and within which limits."""

    scores: Source = setting(None, example="scores.parquet", panel="Tables", metavar="SOURCE")
    """Scorecard that patron score wrote."""
    offers: Path | None = setting(None, example="offers.toml", panel="Tables")
    """TOML file of offers and channels."""
    budget: float | None = setting(
        None, unit="money", absent="no limit", example=5000.0, panel="Limits", ge=0
    )
    """Maximum spend on the whole list."""
    out: Path | None = setting(None, example="campaigns/summer", panel="Output", metavar="DIR")
    """New folder for list.parquet, list.csv and plan.json."""
    effects: Source = setting(
        None,
        absent="learned from the contacts if they have a control group, else assumed",
        example="effects.parquet",
        panel="Tables",
        metavar="SOURCE",
    )
    """Effect of each offer on each customer, as patron uplift wrote it."""
    suppress: Source = setting(None, example="never.csv", panel="Tables", metavar="SOURCE")
    """Table with the customer_id of customers who must never be contacted."""
    rest_days: int = setting(30, unit="days", panel="Limits", ge=0, le=3650)
    """Days after a contact during which a customer is not contacted again; needs the contacts table."""
    segment: str | None = setting(None, example="region", panel="Limits", metavar="COLUMN")
    """Score column that defines the segments for --min-contacts."""
    min_contacts: dict[str, int] = setting({}, example={"north": 100}, panel="Limits", metavar="SEGMENT=N")
    """Minimum number of customers on the list per segment."""
    holdout: float = setting(0.10, unit="share", panel="Limits", ge=0, lt=1)
    """Share of the list randomly held out as control group."""


class MeasureSettings(Section):
    """Which campaign `patron measure` measures, and how."""

    folder: Path | None = setting(
        None, example="campaigns/summer", panel="Tables", flag="list", metavar="DIR"
    )
    """Folder that patron target wrote."""
    campaign: str | None = setting(
        None, absent="every contact after the list counts", example="summer", metavar="NAME"
    )
    """Name of the campaign in the contacts."""
    confidence: float = setting(0.95, unit="share", gt=0, lt=1)
    """Confidence level of the intervals."""
    adjust: bool = setting(False)
    """Adjust for differences in expected profit and past purchases between the two groups."""


class AudienceSettings(Section):
    """What `patron audience` exports."""

    folder: Path | None = setting(
        None, example="campaigns/summer", panel="Tables", flag="list", metavar="DIR"
    )
    """Folder that patron target wrote."""
    columns: tuple[str, ...] = setting(("customer_id", "offer", "channel"))
    """Columns of the list and of the customers table to export, in order."""
    hashed: tuple[str, ...] = setting((), example=["email"])
    """Columns with e-mail addresses, which are exported as SHA-256."""
    offer: str | None = setting(None, absent="all", example="call", metavar="NAME")
    """Export only customers with this offer."""
    out: Path | None = setting(None, example="audience.csv", panel="Output")
    """CSV file to write."""
