"""What a benchmark has measured so far, in a file that grows line by line: a run that was killed goes on from there.

A line is the figures of one method on one picture. It is found again by the contents of the picture's file, the method and the
contents of its weights file, the degradation, and the models that metrics run on: where any of these changed, the figures of
before are not looked at. A change of the lab's own code is not noticed: after one that changes pixels or figures, remove the
folder. Several processes write to a file each, and read all.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.benchmark.pictures import BenchmarkError


@dataclass(frozen=True)
class Key:
    """What figures depend on."""

    picture: str
    """SHA-256 of the picture's file."""
    method: str
    """Key of the catalogue, or `input`."""
    checkpoint: str
    """SHA-256 of the weights file; empty for classical methods."""
    degradation: str
    """Its text form."""
    models: str
    """Digest of what metrics run on."""


@dataclass
class Row:
    """The figures of one method on one picture."""

    values: dict[str, float | None] = field(default_factory=dict)
    """"METRIC:CONVENTION" -> value; None where it cannot be computed."""
    why_not: dict[str, str] = field(default_factory=dict)
    """The same -> why it has no value."""

    def joined(self, other: "Row") -> "Row":
        """Both rows in one."""
        return Row(self.values | other.values, self.why_not | other.why_not)


class Records:
    """The rows of all runs into one folder.

    Args:
        folder: where the files are, made if it is not there; None keeps the rows in memory alone.
        process: number of this process, from 0.

    Raises:
        OSError: the folder cannot be written to.
    """

    def __init__(self, folder: Path | None = None, process: int = 0):
        self._rows: dict[Key, Row] = {}
        self._file = None
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("records*.jsonl")):
            self._read(path)
        own = folder / ("records.jsonl" if process == 0 else f"records-{process}.jsonl")
        whole = not own.exists() or own.read_bytes()[-1:] in (b"", b"\n")
        self._file = own.open("a", encoding="utf-8")
        if not whole:  # the last line was cut short by whatever ended the run
            self._file.write("\n")

    def find(self, key: Key) -> Row:
        """What is known; an empty row where nothing is."""
        return self._rows.get(key, Row())

    def add(self, key: Key, row: Row) -> Row:
        """Keep what was measured beside what was known, and give both; it is in the file when this returns.

        Raises:
            BenchmarkError: the file cannot be written to, as on a full disk.
        """
        self._rows[key] = self.find(key).joined(row)
        if self._file is not None:
            values = {name: str(value) if value in (float("inf"), float("-inf")) else value for name, value in row.values.items()}
            line = json.dumps({**vars(key), "values": values, "why_not": row.why_not}, ensure_ascii=False)
            try:
                self._file.write(line + "\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                why = f"cannot write to '{self._file.name}': {error.strerror}"
                raise BenchmarkError(f"{why}. Make room there; the same command goes on from what it holds.") from error
        return self._rows[key]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):  # of a line that `add` could not write, and has complained about
                self._file.close()

    def _read(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                values = {name: None if value is None else float(value) for name, value in entry.pop("values").items()}
                row = Row(values, entry.pop("why_not"))
                key = Key(**entry)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # a line that was cut short, or somebody else's: what it held is measured again
            self._rows[key] = self._rows.get(key, Row()).joined(row)
