"""The `tyrian` command.

Each module holds one subject's commands, or the work of one. What is heavy (the engine, the HTTP client, Rich's tables)
is imported inside the commands that need it, so that every command begins at once.
"""

import os
import sys


def main() -> None:
    """Runs the command line, and ends the process with its exit code."""
    from tyrian.cli.tree import app

    try:
        app(prog_name="tyrian")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if "pyreqwest" not in sys.modules:
            raise
        # Its threads let go of Python objects a moment after the last request, and while the interpreter is being
        # taken down that aborts the process. Everything of ours has ended by now: nothing is lost by leaving at once.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
