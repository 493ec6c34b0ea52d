"""VGG-19's ImageNet weights as a file: where torchvision keeps it, whether it is whole, and how it gets there."""

import logging
import os
import queue
import threading
import time
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import torch

from lab.errors import LabError
from lab.weights import sha256

NAME = "vgg19-dcbb9e9d.pth"
"""torchvision's; the part after the dash is how the SHA-256 of the file begins."""
BYTES = 574_673_361
ANSWER_SECONDS = 20
"""How long a server may take to answer, and to send the next piece."""
DOWNLOAD_MINUTES = 60
"""How long the whole download may take."""
PIECE = 2**20


class FeaturesError(LabError):
    """Features that cannot be had; its text is the sentence to show."""


def place() -> Path:
    """Where torchvision looks for the file and downloads it to; TORCH_HOME moves it."""
    return Path(torch.hub.get_dir()) / "checkpoints" / NAME


def fault(path: Path) -> str:
    """What is wrong with a file that should be VGG-19's weights; empty if its size and SHA-256 are right."""
    size = path.stat().st_size
    if size != BYTES:
        return f"it has {size:,} bytes and not {BYTES:,}"
    expected = Path(NAME).stem.rpartition("-")[2]
    found = sha256(path)[: len(expected)]
    return "" if found == expected else f"its SHA-256 begins with {found} and not {expected}"


def on_disk() -> Path | None:
    """The file, if it is there.

    Raises:
        FeaturesError: it is there, but is not whole.
    """
    path = place()
    if not path.is_file():
        return None
    wrong = fault(path)
    if wrong:
        what_to_do = "delete it, or let it be downloaded again"
        raise FeaturesError(f"{path} is not VGG-19's ImageNet weights ({wrong}): {what_to_do}.")
    return path


def download() -> Path:
    """The file, fetched from torchvision's address unless it is there and whole already.

    It gets its name only when it is whole, so that a broken download is never taken for weights.

    Raises:
        FeaturesError: it could not be fetched, or what came is something else.
    """
    path = place()
    if path.is_file() and not fault(path):
        return path
    what_to_do = f"train without the download, or put the file into {path.parent} by hand"
    part = path.with_name(f"{NAME}.{os.getpid()}.part")  # several processes may do this at once
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(_address(), part)
        wrong = fault(part)
        if wrong:
            raise FeaturesError(f"what was downloaded as {NAME} is something else ({wrong}): {what_to_do}.")
        os.replace(part, path)
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        reason = getattr(reason, "strerror", None) or reason
        raise FeaturesError(f"VGG-19's ImageNet weights could not be downloaded ({reason}): {what_to_do}.") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _address() -> str:
    from torchvision.models import VGG19_Weights

    return VGG19_Weights.IMAGENET1K_V1.url


def _answer(address: str) -> HTTPResponse:
    """A server's answer within ANSWER_SECONDS, or TimeoutError.

    Hence the thread: urlopen's own limit holds for each of a server's addresses in turn, and not at all for the
    look-up of its name.
    """
    answers: queue.SimpleQueue = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(address, timeout=ANSWER_SECONDS))
        except (OSError, HTTPException) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _fetch(address: str, path: Path) -> None:
    """Write what is at an address to a file; OSError or HTTPException where that fails or takes too long."""
    from tqdm import tqdm

    logging.getLogger(__name__).info("downloading VGG-19's ImageNet weights, %d MB, from %s", BYTES // 10**6, address)
    deadline = time.monotonic() + 60 * DOWNLOAD_MINUTES
    with (
        _answer(address) as answer,
        path.open("wb") as file,
        tqdm(total=BYTES, unit="B", unit_scale=True, desc=NAME) as bar,
    ):
        while piece := answer.read1(PIECE):  # whatever has come, so that a trickle cannot keep us past the deadline
            file.write(piece)
            bar.update(len(piece))
            if file.tell() > BYTES:
                raise OSError(f"more than the {BYTES:,} bytes it should have")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done within {DOWNLOAD_MINUTES} minutes")
