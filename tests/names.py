"""Names of the cases of parametrised tests."""

import re


def name_of(value):
    """Return what a value prints as, without its address, which differs between processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(value))
