"""Removes what visitors bring: their uploads from Gradio's folder, which would keep them for ever, and what was made of them."""

import logging
import re
import shutil
import threading
import time
from pathlib import Path

from lab.ui.store import ResultStore

KEEP_SECONDS = 6 * 3600
"""How long a visitor's picture, and every result made of it, is kept at most."""
EVERY = 60
"""Seconds between two looks, by which everything goes a little early rather than late."""
BUDGET = 1_000_000_000
"""Bytes that all uploads together may take."""
KEPT = f"{KEEP_SECONDS // 3600} hours"
_UPLOAD = re.compile(r"[0-9a-f]{64}")


def _uploads(folder: Path) -> list[tuple[float, int, Path]]:
    """Time, bytes and path of every upload folder (named by 64 hex digits), oldest first."""
    found = []
    for upload in folder.glob("*"):
        if not _UPLOAD.fullmatch(upload.name):
            continue
        try:
            found.append((upload.stat().st_mtime, sum(file.stat().st_size for file in upload.glob("*")), upload))
        except FileNotFoundError:  # Gradio moves files that are still arriving
            continue
    return sorted(found)


def remove_old(folder: Path, keep_seconds: float = KEEP_SECONDS - EVERY, budget: int = BUDGET) -> int:
    """Remove the uploads older than `keep_seconds`, and the oldest beyond `budget` bytes; return how many there were."""
    uploads = _uploads(folder)
    total, removed = sum(size for _, size, _ in uploads), 0
    for then, size, upload in uploads:
        if time.time() - then <= keep_seconds and total <= budget:
            break
        shutil.rmtree(upload, ignore_errors=True)
        total -= size
        removed += 1
    return removed


def watch(folder: Path, store: ResultStore, every: float = EVERY) -> None:
    """Remove old uploads and old results of visitors' pictures, now and every minute, in a thread that ends with the process."""

    def loop() -> None:
        while True:
            try:
                remove_old(folder)
                store.remove_own(KEEP_SECONDS - every)
            except OSError:  # a disk's hiccup must not end the watch
                logging.getLogger(__name__).exception("old uploads could not be removed")
            time.sleep(every)

    threading.Thread(target=loop, name="old uploads", daemon=True).start()
