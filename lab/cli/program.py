"""The command line's program, to which the other files of this room add their commands, and what becomes of errors."""

import errno
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from lab.errors import LabError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Clarity Lab: sharpening and super-resolution methods side by side.",
)


class UsageError(LabError):
    """Words on the command line that make no sense together; its text is the sentence to show."""


def sentences(command: Callable) -> Callable:
    """Turn the lab's own errors into one sentence on standard error and exit code 2."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except LabError as error:
            typer.echo(f"lab: {error}", err=True)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read the output has gone, as `head` does: click ends quietly
                raise
            what = f"cannot use '{error.filename}': " if error.filename else ""  # a full disk names no file
            typer.echo(f"lab: {what}{error.strerror or error}.", err=True)
        raise typer.Exit(2)

    return run
