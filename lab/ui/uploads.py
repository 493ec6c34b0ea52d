"""Removes visitors' uploads from Gradio's folder after some hours; Gradio itself would keep them for ever."""

import re
import shutil
import threading
import time
from pathlib import Path

KEEP_SECONDS = 6 * 3600
_UPLOAD = re.compile(r"[0-9a-f]{64}")


def remove_old(folder: Path, keep_seconds: float = KEEP_SECONDS) -> int:
    """Remove the upload folders (named by 64 hex digits) older than `keep_seconds`; return how many there were."""
    old = [
        upload
        for upload in folder.glob("*")
        if _UPLOAD.fullmatch(upload.name) and time.time() - upload.stat().st_mtime > keep_seconds
    ]
    for upload in old:
        shutil.rmtree(upload, ignore_errors=True)
    return len(old)


def watch(folder: Path, every: float = 3600) -> None:
    """Call `remove_old` now and every hour, in a thread that ends with the process."""

    def loop() -> None:
        while True:
            remove_old(folder)
            time.sleep(every)

    threading.Thread(target=loop, name="old uploads", daemon=True).start()
