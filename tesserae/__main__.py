"""`python -m tesserae`: the command line."""

import os
import sys

from tesserae.cli import main

if __name__ == "__main__":
    # Before torch is loaded: two runs on one machine must not spin while they wait for each other (docs/decisions.md).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main())
