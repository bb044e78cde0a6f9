"""Names of the cases of parametrised tests."""

import re


def name_of(value):
    """Return what a value prints as, without what differs between processes: addresses, and the
    order of a set.
    """
    if isinstance(value, (set, frozenset)):
        value = f"set of {sorted(map(str, value))}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(value))
