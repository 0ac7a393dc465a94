"""`python -m tesserae`: the command line."""

import sys

from tesserae.cli import main

if __name__ == "__main__":
    sys.exit(main())
