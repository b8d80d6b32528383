"""`python -m trainer.data.world`: the same as `egoact world`."""

from __future__ import annotations

import argparse
import sys

from edge.errors import EgoactError
from trainer.data.world import command


def main() -> int:
    """Parse the command line and render; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.data.world",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.configure(parser)
    args = parser.parse_args()
    try:
        return command.run(args)
    except EgoactError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
