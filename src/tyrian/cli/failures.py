"""How a command ends: exit codes, and failures that are told in a sentence instead of a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer
from typer.core import TyperGroup


class Exit(IntEnum):
    """What the shell gets to know."""

    OK = 0
    #: What was asked for was done and came out badly: a message failed, a check found trouble, a port was taken.
    FAILED = 1
    #: The command line, a file or a setting is wrong; nothing was done.
    USAGE = 2
    #: The gateway or its database does not answer.
    UNREACHABLE = 3
    #: The gateway answered, and refused.
    REFUSED = 4
    #: Ended by Ctrl-C, as shells count it: 128 + SIGINT.
    INTERRUPTED = 130


class Failure(Exception):
    """The end of a command that cannot go on: whole sentences for people, and the exit code."""

    def __init__(self, *sentences: str, code: Exit = Exit.FAILED) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences
        self.code = code


class Interrupted(Exception):
    """Ctrl-C in the middle of something of which more can be said than that it ended."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class Commands(TyperGroup):
    """The root of the commands: turns failures into sentences on standard error and exit codes."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Runs the chosen command."""
        with told():
            return super().invoke(ctx)


@contextmanager
def told() -> Iterator[None]:
    """Tells what goes wrong inside, and ends the command with its code."""
    try:
        yield
    except Failure as failure:
        complain(*failure.sentences)
        raise typer.Exit(failure.code) from None
    except (KeyboardInterrupt, Interrupted) as stop:
        complain("", *getattr(stop, "sentences", ("Interrupted.",)))
        raise typer.Exit(Exit.INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read our output (`head`) has seen enough. Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.OK) from None


def complain(*sentences: str) -> None:
    """Sentences for people, on standard error."""
    for sentence in sentences:
        typer.echo(sentence, err=True)
