"""The `tyrian` command.

Each module holds one subject's commands. What is heavy (the engine, the HTTP client, Rich's tables) is imported inside
the commands that need it, so that every command begins at once.
"""

import sys


def main() -> None:
    """Runs the command line, and ends the process with its exit code."""
    from tyrian.cli.tree import app

    sys.exit(app(prog_name="tyrian"))
