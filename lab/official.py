"""Other people's model files that some metrics and losses use: where each lies, whether it is whole, how it gets there.

Nothing here runs unasked: `found` only looks on the disk, `fetch` downloads, `adopt` copies a file one already has. A file
gets its name only when it is whole and checked, so that a broken download is never taken for a model; and no server can
keep anyone waiting.
"""

import contextlib
import os
import queue
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit

import torch

from lab.digests import sha256
from lab.errors import LabError

ANSWER_SECONDS = 10
"""How long a server may take to answer, and to send the next piece."""
DOWNLOAD_MINUTES = 60
"""How long one file may take altogether."""
PIECE = 2**20

Progress = Callable[[int, int | None], None]
"""Called with the bytes there are so far, and all there will be (None where the server does not say)."""


class OfficialError(LabError):
    """A file that cannot be had; its text is the sentence to show, `what` the same without the advice."""

    def __init__(self, what: str, advice: str):
        super().__init__(f"{what}: {advice}.")
        self.what = what


@dataclass(frozen=True)
class OfficialFile:
    """One file as its authors publish it, and what is known of it for certain."""

    key: str
    """As typed on the command line."""
    title: str
    """As in a sentence."""
    name: str
    """The file's name on this machine."""
    home: Literal["torchvision", "lab"]
    """Whose folder it lies in: torchvision's cache, where other programs find it too, or the lab's own."""
    urls: tuple[str, ...]
    """Official places, tried in order."""
    bytes: int | None
    """Its size; None where it is not documented."""
    sha256: str | None
    """Its SHA-256 in hex, or as much of its beginning as is documented; None where nothing is."""
    begins: bytes
    """The first bytes of its format: what still tells a file from an error page where no hash is documented."""
    licence: str
    used_for: str


OFFICIAL: dict[str, OfficialFile] = {
    file.key: file
    for file in (
        OfficialFile(
            key="alexnet",
            title="AlexNet's ImageNet weights",
            name="alexnet-owt-7be5be79.pth",
            home="torchvision",
            urls=("https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",),
            bytes=None,
            sha256="7be5be79",
            begins=b"",
            licence="torchvision's terms (BSD-3; trained on ImageNet)",
            used_for="LPIPS in its official form; 244 MB, of which 10 MB are needed",
        ),
        OfficialFile(
            key="vgg19",
            title="VGG-19's ImageNet weights",
            name="vgg19-dcbb9e9d.pth",
            home="torchvision",
            urls=("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",),
            bytes=574_673_361,
            sha256="dcbb9e9d",
            begins=b"",
            licence="torchvision's terms (BSD-3; trained on ImageNet)",
            used_for="losses on features in training, as the papers have them; 575 MB",
        ),
        OfficialFile(
            key="niqe",
            title="NIQE's official parameters",
            name="modelparameters.mat",
            home="lab",
            urls=("https://raw.githubusercontent.com/roimehrez/PIRM2018/master/utils/niqe_release/modelparameters.mat",),
            bytes=8_347,
            sha256="fa2aa4d12dd9595c3fb6bf8b4e1a15c79d5d1469238d0901c88dead195be578d",
            begins=b"MATLAB",
            licence="LIVE, University of Texas at Austin: free to use with its notice and citation (Mittal et al. 2013)",
            used_for="NIQE and PI in their official form; 8 kB",
        ),
        OfficialFile(
            key="ma",
            title="Ma's official forests",
            name="NRQM_model.mat",
            home="lab",
            urls=(
                "https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/NRQM_model.mat",
                "https://github.com/chaofengc/IQA-PyTorch/releases/download/v0.1-weights/NRQM_model.mat",
            ),
            bytes=None,
            sha256=None,
            begins=b"MATLAB",
            licence="the authors' (Ma et al. 2017: MIT); this copy is offered under CC BY-NC-SA 4.0",
            used_for="Ma and PI in their official form",
        ),
    )
}
"""The catalogue, by key."""


def find(key: str) -> OfficialFile:
    """The catalogue's entry of a key.

    Raises:
        OfficialError: there is none, with the keys there are.
    """
    if key not in OFFICIAL:
        raise OfficialError(f"there is no official file called '{key}'", f"choose from {', '.join(OFFICIAL)}")
    return OFFICIAL[key]


def place(key: str) -> Path:
    """Where a file belongs on this machine, whether or not it is there.

    torchvision's files lie where torchvision looks for them (TORCH_HOME moves that folder); the others in `clarity-lab` in the
    user's cache (XDG_CACHE_HOME, else ~/.cache), or in the folder that CLARITY_LAB_MODELS names.
    """
    file = find(key)
    if file.home == "torchvision":
        return Path(torch.hub.get_dir()) / "checkpoints" / file.name
    own = os.environ.get("CLARITY_LAB_MODELS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(own).expanduser() if own else cache / "clarity-lab") / file.name


@lru_cache(maxsize=32)
def _fault(path: str, size: int, changed: int, file: OfficialFile) -> str:
    # `size` and `changed` are part of the key: a file that was replaced is read anew.
    if file.bytes is not None and size != file.bytes:
        return f"it has {size:,} bytes and not {file.bytes:,}"
    with open(path, "rb") as stream:
        if not stream.read(len(file.begins)).startswith(file.begins):
            return "it is in another format"
        if file.sha256 is None:
            return "" if size else "it is empty"
    digest = sha256(Path(path))
    if digest.startswith(file.sha256):
        return ""
    return f"its SHA-256 begins with {digest[:8]} and not {file.sha256[:8]}"


def fault(key: str, path: Path) -> str:
    """What is wrong with a file that should be the one of this key, as part of a sentence; empty where nothing is.

    Size, first bytes and SHA-256 are compared, each where it is documented. An unchanged file is read only once.
    """
    state = path.stat()
    return _fault(str(path), state.st_size, state.st_mtime_ns, find(key))


def found(key: str) -> Path | None:
    """The file in its place, if it is there and whole; None otherwise. Never downloads, never waits."""
    path = place(key)
    try:
        return path if path.is_file() and not fault(key, path) else None
    except OSError:  # not readable, or gone while it was looked at
        return None


def adopt(key: str, own: str | Path) -> Path:
    """Put a copy of a file one already has in its place.

    Raises:
        OfficialError: it is not the file of this key, or it cannot be read or copied.
    """
    file, path, own = find(key), place(key), Path(own)
    part = path.with_name(f"{file.name}.{os.getpid()}.copy.part")
    try:
        if not own.is_file():
            raise OfficialError(f"there is no file '{own}'", f"name the copy of {file.title} that you have")
        wrong = fault(key, own)
        if wrong:
            raise OfficialError(f"{own.name} is not {file.title} ({wrong})", f"get it from {file.urls[0]}")
        if path.exists() and path.samefile(own):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(own, part)
        os.replace(part, path)
    except OSError as error:
        failed = f"{own.name} could not be copied to {path.parent} ({_reason(error)})"
        raise OfficialError(failed, "check that the one can be read and the other written") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path


class _Part:
    """The file a download is written to: NAME.PROCESS.part, since several processes may download at once.

    On leaving, what has come is kept as NAME.part if `resumable`, for whoever tries next, and thrown away otherwise.
    """

    def __init__(self, path: Path):
        self.path = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        self.left = path.with_name(f"{path.name}.part")
        self.resumable = False

    def __enter__(self) -> "_Part":
        if self.left.exists():
            with contextlib.suppress(OSError):  # another process took it a moment ago
                os.replace(self.left, self.path)
        return self

    def __exit__(self, *_) -> None:
        if self.resumable and self.size():
            os.replace(self.path, self.left)
        else:
            self.path.unlink(missing_ok=True)

    def size(self) -> int:
        """Bytes there are so far."""
        return self.path.stat().st_size if self.path.is_file() else 0


def fetch(key: str, progress: Progress | None = None, anew: bool = False) -> Path:
    """The file in its place, downloaded unless it is there and whole already.

    A download that breaks off is kept as NAME.part and resumed the next time, where the server can do that and a documented
    SHA-256 can tell afterwards whether the halves belong together.

    Args:
        key: of the catalogue.
        progress: called after every piece.
        anew: download it though it seems to be there: where no hash is documented, its reader may know better.

    Raises:
        OfficialError: no official place could be reached, or what came is something else.
    """
    file, path = find(key), place(key)
    if found(key) and not anew:
        return path
    advice = f"put the file from {file.urls[0]} at {path} by hand, or name a copy: python -m lab weights fetch {key} --from FILE"
    deadline = time.monotonic() + 60 * DOWNLOAD_MINUTES
    reasons = []
    for url in file.urls:
        host = urlsplit(url).hostname
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _Part(path) as part:
                resumed = part.size() > 0
                _download(url, part, file, progress, deadline)
                wrong = fault(key, part.path)
                if wrong and resumed:  # the halves were not of one file
                    part.path.unlink()
                    _download(url, part, file, progress, deadline)
                    wrong = fault(key, part.path)
                part.resumable = False
                if not wrong:
                    os.replace(part.path, path)
                    return path
            reasons.append((host, f"what came as {file.name} is something else: {wrong}"))
        except (OSError, HTTPException) as error:
            reasons.append((host, _reason(error)))
    told = "; ".join(f"{host}: {reason}" if len(reasons) > 1 else reason for host, reason in reasons)
    raise OfficialError(f"{file.title} could not be downloaded ({told})", advice)


def _reason(error: Exception) -> str:
    """The words of an error that people understand."""
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason)


def _answer(request: urllib.request.Request) -> HTTPResponse:
    """A server's answer within ANSWER_SECONDS, or TimeoutError.

    Hence the thread: urlopen's own limit holds for each of a server's addresses in turn, and not at all for the look-up of its
    name.
    """
    answers: queue.SimpleQueue = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(request, timeout=ANSWER_SECONDS))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _download(url: str, part: _Part, file: OfficialFile, progress: Progress | None, deadline: float) -> None:
    """Write what is at an address to a part, going on where the part ends; OSError or HTTPException where that fails."""
    have = part.size()
    headers = {"User-Agent": "clarity-lab", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        answer = _answer(urllib.request.Request(url, headers=headers))
    except HTTPError as error:
        if error.code != 416 or not have:
            part.resumable = have > 0
            raise
        part.path.unlink()  # the part is as long as the file, or longer: it is not its beginning
        _download(url, part, file, progress, deadline)
        return
    except OSError:
        part.resumable = have > 0
        raise
    goes_on = answer.status == 206 and (answer.headers["Content-Range"] or "").startswith(f"bytes {have}-")
    if answer.status == 206 and not goes_on:
        raise OSError("the server sent another part of the file than was asked for")
    part.resumable = file.sha256 is not None and (goes_on or answer.headers["Accept-Ranges"] == "bytes")
    done = have if goes_on else 0
    total = file.bytes if answer.length is None else done + answer.length
    with answer, part.path.open("ab" if goes_on else "wb") as stream:
        while piece := answer.read1(PIECE):  # whatever has come, so that a trickle cannot keep us past the deadline
            stream.write(piece)
            done += len(piece)
            if progress is not None:
                progress(done, total)
            if file.bytes is not None and done > file.bytes:
                part.resumable = False
                raise OSError(f"more than the {file.bytes:,} bytes it should have")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done within {DOWNLOAD_MINUTES:g} minutes")
    if total is not None and done < total and answer.headers["Content-Length"]:
        raise OSError(f"the connection broke off after {done:,} of {total:,} bytes")
