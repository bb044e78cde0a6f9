"""A progress bar: tqdm where it is installed, else lines."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def progress(iterable, *, description, verbose, total=None):
    """Iterate, and show how far it has got.

    Parameters
    ----------
    iterable : iterable
        What is iterated.
    description : str
        What the steps are.
    verbose : int
        0: show nothing.
    total : int, default=None
        Number of steps, where `iterable` has no length.

    Yields
    ------
    item : object
        The items of `iterable`.
    """
    if not verbose:
        yield from iterable
        return
    if find_spec("tqdm") is not None:
        from tqdm.auto import tqdm

        yield from tqdm(iterable, desc=description, total=total)
        return
    total = len(iterable) if total is None else total
    for i, item in enumerate(iterable, start=1):
        yield item
        print(f"{description}: {i}/{total}", file=sys.stderr, flush=True)
