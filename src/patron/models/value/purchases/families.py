"""Which family of purchase models fits better, in words: BG/NBD, or MBG/NBD."""

__all__ = ["families_in_words"]

CLEARLY = 2.0
"""Difference in log-likelihood from which one family clearly fits better: odds of 7 to 1."""

_NAMES = {"bgnbd": "BG/NBD", "mbgnbd": "MBG/NBD"}


def families_in_words(family: str, gain: float) -> str:
    """Whether the other family would fit the customers of a model better, as a sentence.

    Parameters
    ----------
    family
        family of the model, "bgnbd" or "mbgnbd"
    gain
        log-likelihood that the other family would gain, see
        :class:`patron.models.inference.diagnostics.Diagnostics`

    Examples
    --------
    >>> families_in_words("bgnbd", 30.8)
    'MBG/NBD fits better than BG/NBD (log-likelihood +30.8); set purchase_family = "mbgnbd" to use it.'
    >>> families_in_words("bgnbd", -0.02)
    'MBG/NBD and BG/NBD fit alike (log-likelihood +0.0).'
    """
    other = "mbgnbd" if family == "bgnbd" else "bgnbd"
    ours, theirs = _NAMES[family], _NAMES[other]
    found = f"(log-likelihood {gain:+z.1f})"
    if gain > CLEARLY:
        return f'{theirs} fits better than {ours} {found}; set purchase_family = "{other}" to use it.'
    if gain < -CLEARLY:
        return f"{ours} fits better than {theirs} {found}."
    return f"{theirs} and {ours} fit alike {found}."
