"""What the commands of this folder that write a page share: words for the page, for progress and for what goes wrong."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.benchmark import Scored, Skipped
from lab.benchmark.files import markdown_table
from lab.errors import LabError


def command_text(script: str, words: Sequence[str]) -> str:
    """The command as it was given; of absolute paths, which hold on one machine alone, the last name.

    Args:
        script: file name in this folder.
        words: what stood after it.
    """
    return shlex.join(["python", f"benchmarks/{script}", *map(_portable, words)])


def _portable(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return option + equals + (Path(value).name if value.startswith("/") else value)


def made_by(command: str) -> str:
    """The paragraph of a page that names the command it is from."""
    return f"Made by\n\n```\n{command}\n```\n\nin the root of the repository, and by nothing else: to change it, run that again."


def checkpoint_table(methods: Mapping[str, Mapping[str, Any]], further: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """What ran, in Markdown: name, checkpoint, training, and what is unlike the paper.

    Args:
        methods: as `Report.as_json` describes them.
        further: head of one more column -> method -> its text.
    """
    columns = further or {}
    rows = [
        [
            about["name"],
            (about["checkpoint_sha256"] or "")[:12] or "-",
            about["stage"] or "-",
            *(column[key] or "-" for column in columns.values()),
            about["differs"] or "-",
        ]
        for key, about in methods.items()
    ]
    return markdown_table(["method", "checkpoint", "trained", *columns, "unlike the paper"], rows)


def tell(one: Scored | Skipped, done: int, count: int, about: str = "") -> None:
    """Progress, on standard error; `about` comes first, where several things are done to the same pictures."""
    name = f"{one.picture.set}/{one.picture.name}"
    lines = [f"{name} is skipped: {one.reason}"] if isinstance(one, Skipped) else [name, *map(": ".join, one.failures.items())]
    start = f"{about}, " if about else ""
    print(f"{start}{done} of {count}: " + "\n".join(lines), file=sys.stderr, flush=True)


@contextmanager
def sentences(script: str) -> Iterator[None]:
    """End the program with one sentence where something is wrong that people can mend."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"{script}: stopped.", file=sys.stderr)
        sys.exit(130)
    except LabError as error:
        sys.exit(f"{script}: {error}")
    except OSError as error:
        what = f"cannot use '{error.filename}': " if error.filename else ""  # a full disk names no file
        sys.exit(f"{script}: {what}{error.strerror or error}.")
