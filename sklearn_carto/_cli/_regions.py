"""Regions as they are typed: a name, or a mixture of names to shares."""

from __future__ import annotations

from difflib import get_close_matches

from sklearn_carto._cli._errors import CommandError


def parse_region(text):
    """Return a region, or a mixture of regions to shares, as "ambiguous=0.8,easy=0.2".

    Parameters
    ----------
    text : str
        What --region was given.

    Returns
    -------
    region : str or dict of str to float
        The region, as the library takes it.

    Raises
    ------
    CommandError
        If a name is unknown, or occurs twice, or if the shares do not sum to 1.
    """
    from sklearn_carto._maps._regions import OF_SELECTORS

    if "=" not in text:
        return _known(text.strip(), text)
    mixture: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = (one.strip() for one in part.partition("="))
        try:
            number = float(share)
        except ValueError:
            raise _no_mixture(text) from None
        if name in mixture:
            raise CommandError(f"--region {text!r} holds {name!r} twice. Add up its shares.")
        if name in OF_SELECTORS:
            raise CommandError(f"--region {text!r}: {name!r} cannot be a part of a mixture.")
        mixture[_known(name, text)] = number
    if (
        not all(0 <= share <= 1 for share in mixture.values())
        or abs(sum(mixture.values()) - 1) > 1e-6
    ):
        raise _no_mixture(text)
    return mixture


def _known(name, text):
    """Return the name of a region, or raise an error that names the nearest."""
    from sklearn_carto._maps._regions import directed_regions, named_regions

    named, directed = named_regions(), directed_regions()
    written = name.lower().replace("_", "-")
    if written in named or written in directed:
        return written
    near = get_close_matches(written, [*named, *directed], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    statistics = [one.removeprefix("high-") for one in directed if one.startswith("high-")]
    what = "is unknown" if name == text.strip() else f"holds {name!r}, which is unknown"
    raise CommandError(
        f"--region {text!r} {what}.{hint} Regions are "
        f"{', '.join(named)}; and high- or low- with one of {', '.join(statistics)}."
    )


def _no_mixture(text):
    return CommandError(
        f"--region {text!r} is no mixture. Write regions with their shares, which sum to 1: "
        "ambiguous=0.8,easy=0.2."
    )
