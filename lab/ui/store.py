"""Finished results on disk, so that a comparison that was made once is shown at once the next time.

Every entry is a folder of files under a key. The store is bounded in bytes: when it grows over its limit, the entries that were
not asked for the longest go first. What was asked for in the last minutes stays, since a browser may still be fetching it.
"""

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

LIMIT = 2_000_000_000
KEEP_SECONDS = 15 * 60
_UNFINISHED = ".unfinished-"


def key_of(*parts: object) -> str:
    """A file name made of everything that decides a result: 64 hex digits, different when any part differs."""
    return hashlib.sha256("\0".join(repr(part) for part in parts).encode()).hexdigest()


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


class ResultStore:
    """Folders of files by key, least recently used out first; safe to share between threads.

    Args:
        folder: where the entries lie; made if it is not there.
        limit: bytes all entries together may take.
        keep_seconds: an entry asked for (or saved) more recently than this is never removed, even over the limit.
    """

    def __init__(self, folder: Path, limit: int = LIMIT, keep_seconds: float = KEEP_SECONDS):
        self.folder = folder
        self.limit = limit
        self.keep_seconds = keep_seconds
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, key: str) -> Path | None:
        """The folder of an entry, marked as just used; None if there is none."""
        entry = self.folder / key
        try:
            os.utime(entry)
        except FileNotFoundError:
            return None
        return entry

    def save(self, key: str, files: Mapping[str, bytes]) -> Path:
        """Write an entry whole or not at all, and return its folder. An entry that is already there stays as it is."""
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        for name, content in files.items():
            (unfinished / name).write_bytes(content)
        entry = self.folder / key
        with self._lock:
            if entry.exists():
                shutil.rmtree(unfinished)
                os.utime(entry)
            else:
                unfinished.rename(entry)
            self._make_room()
        return entry

    def drop(self, key: str) -> None:
        """Remove an entry, so that it can be saved anew."""
        with self._lock:
            shutil.rmtree(self.folder / key, ignore_errors=True)

    def _make_room(self) -> None:
        entries = sorted((e for e in self.folder.iterdir() if e.is_dir()), key=lambda e: e.stat().st_mtime)
        sizes = {entry: _bytes_in(entry) for entry in entries}
        total = sum(sizes.values())
        for entry in entries:
            if total <= self.limit or time.time() - entry.stat().st_mtime < self.keep_seconds:
                return
            shutil.rmtree(entry)
            total -= sizes[entry]
