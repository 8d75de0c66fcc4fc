"""`python -m ktrace`, and the console script."""

import sys

from ktrace.cli.main import main


def entry() -> None:
    """Run the command line and exit with its status."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    entry()
