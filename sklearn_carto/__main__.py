"""Run the command line: ``python -m sklearn_carto``."""

import sys

from sklearn_carto._cli._main import main

if __name__ == "__main__":
    sys.exit(main())
