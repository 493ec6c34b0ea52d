"""Finished results on disk, so that a comparison that was made once is shown at once the next time.

Every entry is a folder of files under a key. The store is bounded in bytes: when it grows over its limit, the entries that were
not asked for the longest go first. What was asked for in the last minutes stays, since a browser may still be fetching it, until
the ceiling is reached: a disk that is full is worse than a picture that is missing.
"""

import errno
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path

LIMIT = 2_000_000_000
CEILING = 4_000_000_000
KEEP_SECONDS = 15 * 60
OWN = "own-"
"""How the keys of results of visitors' own pictures begin."""
_UNFINISHED = ".unfinished-"


def key_of(*parts: object, own: bool = False) -> str:
    """A file name made of everything that decides a result: 64 hex digits, different when any part differs; OWN before them."""
    return (OWN if own else "") + hashlib.sha256("\0".join(repr(part) for part in parts).encode()).hexdigest()


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*"))


class ResultStore:
    """Folders of files by key, least recently used out first; safe to share between threads and processes.

    Args:
        folder: where the entries lie; made if it is not there.
        limit: bytes all entries together may take, beside those asked for lately.
        keep_seconds: an entry asked for (or saved) more recently than this is removed only over the ceiling.
        ceiling: bytes that nothing but the comparison being shown may go over.
    """

    def __init__(self, folder: Path, limit: int = LIMIT, keep_seconds: float = KEEP_SECONDS, ceiling: int = CEILING):
        self.folder = folder
        self.limit = limit
        self.keep_seconds = keep_seconds
        self.ceiling = ceiling
        self._lock = threading.Lock()
        self._total: int | None = None  # bytes at the last look and saved since; None before the first look
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, key: str) -> Path | None:
        """The folder of an entry, marked as just used; None if there is none."""
        entry = self.folder / key
        try:
            os.utime(entry)
        except FileNotFoundError:
            return None
        return entry

    def save(self, key: str, files: Mapping[str, bytes], shown: Collection[str] = ()) -> Path:
        """Write an entry whole or not at all, and return its folder. An entry that is already there stays as it is.

        Args:
            key: from `key_of`.
            files: contents by name.
            shown: keys that must stay whatever the store weighs: those of the comparison the entry is a part of.
        """
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        entry = self.folder / key
        try:
            for name, content in files.items():
                (unfinished / name).write_bytes(content)
            with self._lock:
                self._keep(unfinished, entry)
                if self._total is not None:
                    self._total += sum(map(len, files.values()))
                if self._total is None or self._total > self.limit:
                    self._make_room({key, *shown})
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return entry

    def keep(self, what: str, files: Mapping[str, bytes]) -> Path:
        """The folder of an entry with these very files, which is saved unless it is there whole.

        Args:
            what: they are, a word: part of the key, beside their contents.
            files: contents by name.
        """
        key = key_of(what, *((name, hashlib.sha256(content).hexdigest()) for name, content in files.items()))
        folder = self.find(key)
        if folder is not None and all((folder / name).exists() for name in files):
            return folder
        self.drop(key)
        return self.save(key, files)

    def drop(self, key: str) -> None:
        """Remove an entry, so that it can be saved anew."""
        with self._lock:
            shutil.rmtree(self.folder / key, ignore_errors=True)

    def remove_own(self, seconds: float) -> int:
        """Remove results of visitors' pictures made more than `seconds` ago, however lately asked for; return how many."""
        with self._lock:
            old = [entry for entry in self.folder.glob(f"{OWN}*") if time.time() - _made(entry) > seconds]
            for entry in old:
                shutil.rmtree(entry, ignore_errors=True)
            return len(old)

    def _keep(self, unfinished: Path, entry: Path) -> None:
        """Give a finished entry its name; the first of two equal ones stays, also when another process was first."""
        try:
            unfinished.rename(entry)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            os.utime(entry)

    def _make_room(self, shown: Collection[str]) -> None:
        """Look at everything there is, and remove the oldest down to the limit, or, of what is young, to the ceiling."""
        ages = []
        for entry in self.folder.iterdir():
            try:
                ages.append((entry.stat().st_mtime, _bytes_in(entry), entry))
            except FileNotFoundError:  # another process was quicker
                continue
        total = sum(size for _, size, _ in ages)
        for used, size, entry in sorted(ages):
            young = time.time() - used < self.keep_seconds
            if total <= (self.ceiling if young else self.limit):
                break
            if entry.name in shown or (young and entry.name.startswith(_UNFINISHED)):
                continue
            shutil.rmtree(entry, ignore_errors=True)
            total -= size
        self._total = total


def _made(entry: Path) -> float:
    """When an entry's files were written; the folder's own time says when it was last used."""
    try:
        return min(file.stat().st_mtime for file in entry.iterdir())
    except (ValueError, FileNotFoundError):  # emptied meanwhile
        return time.time()
