"""Progress bar: tqdm if it is installed, else printed lines."""

from __future__ import annotations

import sys

from sklearn_carto._utils._packages import is_installed


def progress(iterable, *, description, verbose, total=None, initial=0):
    """Iterate and show the progress, unless `verbose` is 0.

    `total` is the number of items, if `iterable` has no length, and `initial` that of items that
    were done before and are counted in it.
    """
    if not verbose:
        yield from iterable
        return
    if is_installed("tqdm"):
        from tqdm.auto import tqdm

        yield from tqdm(iterable, desc=description, total=total, initial=initial)
        return
    total = initial + len(iterable) if total is None else total
    for i, item in enumerate(iterable, start=initial + 1):
        yield item
        print(f"{description}: {i}/{total}", file=sys.stderr, flush=True)
