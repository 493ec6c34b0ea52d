"""The running app and a real Chromium to drive it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from browser.driving import wait_until_done

HERE = Path(__file__).parent
START_SECONDS = 240
CHROMIUM_ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

SMALL_NETWORKS = {
    "srresnet": ("srresnet", {"blocks": 1, "width": 8, "batch_norm": False, "bicubic_skip": True}, "x4-bicubic"),
    "srgan": ("srresnet", {"blocks": 1, "width": 8, "batch_norm": False, "bicubic_skip": True}, "x4-bicubic"),
    "esrgan": ("rrdb", {"blocks": 1, "width": 8, "growth": 4}, "x4-bicubic"),
    "deblurgan": ("deblurgan", {"width": 4, "blocks": 1}, "motion"),
    "spsr": ("spsr", {"blocks": 4, "width": 8, "growth": 4, "taps": [1, 2, 3, 4], "branch_growth": 4}, "x4-bicubic"),
    "stackedg": ("resg", {"kind": "stackedg", "width": 4, "blocks": 1}, "gaussian"),
    "resg": ("resg", {"kind": "resg", "width": 4, "blocks": 1}, "gaussian"),
    "nonbn-resg": ("resg", {"kind": "nonbn-resg", "width": 4, "blocks": 1}, "gaussian"),
    "nonbn-resg-l": ("resg", {"kind": "nonbn-resg", "width": 4, "blocks": 1}, "gaussian"),
}
"""Untrained stand-ins, so that these tests are quick and do not depend on what has been trained."""


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory) -> Path:
    """A folder of checkpoints for the learned six of the seven, the paper's four and the metrics; other methods have none."""
    import small_models

    from lab import weights
    from lab.networks import build

    folder = small_models.write_lab(tmp_path_factory.mktemp("checkpoints"))
    torch.manual_seed(0)
    for key, (name, arguments, kind) in SMALL_NETWORKS.items():
        card = {
            "name": f"Small {key}",
            "stage": "random weights, for tests",
            "differs": "one block, no training",
            "trained_for": [{"kind": kind, "low": 1, "high": 30}],
        }
        weights.save(build(name, **arguments).eval(), folder / f"{key}.safetensors", card)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


STORED = ("nearest", "bicubic", "srresnet")
"""The methods of the one scene in the tests' gallery: the smallest example, x4-bicubic."""


@pytest.fixture(scope="session")
def gallery(checkpoints: Path, no_official_files: dict, tmp_path_factory) -> Path:
    """A gallery with the printed page, x4-bicubic, by the stand-ins; everything else is not stored."""
    from lab import methods
    from lab.degrade import Degradation
    from lab.gallery import making, scenes
    from lab.metrics import models

    folder = tmp_path_factory.mktemp("gallery")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "CHECKPOINTS", checkpoints)
        patch.setattr(models, "CHECKPOINTS", checkpoints)
        for name, value in no_official_files.items():
            patch.setenv(name, value)
        done = list(making.update(scenes.find("page", Degradation("x4-bicubic"), folder), STORED, "cpu"))
    assert [one.what for one in done] == ["computed"] * len(STORED)
    return folder


@pytest.fixture(scope="session")
def taped(picture_folder: Path, tmp_path_factory) -> Path:
    """A folder with one tape: of SRGAN, tiny, trained for 30 steps, the lab's features with random weights beside its critic."""
    from training import tiny

    from lab.networks.features import LabFeatures
    from lab.train import features
    from lab.train.pictures import Source
    from lab.train.tape_shipping import ship_tape
    from lab.train.trainer import train

    with pytest.MonkeyPatch.context() as patch:
        network = LabFeatures()
        stand_in = lambda layers, download: features.LabLayers(layers, "random weights, for tests", network)  # noqa: E731
        patch.setattr("lab.train.restoration.vgg19_features", stand_in)
        path = train(tiny("srgan"), Source(data=picture_folder), tmp_path_factory.mktemp("srgan"), steps=30, cpu=True)
    folder = tmp_path_factory.mktemp("tapes")
    ship_tape(path, folder)
    return folder


@pytest.fixture(scope="session")
def no_official_files(tmp_path_factory) -> dict[str, str]:
    """Settings by which no official model file is found."""
    folder = tmp_path_factory.mktemp("official")
    return {"CLARITY_LAB_MODELS": str(folder / "official"), "TORCH_HOME": str(folder / "torch")}


@pytest.fixture(scope="session")
def paper(checkpoints: Path, tmp_path_factory) -> Path:
    """Stored files of the paper's tab, of made-up figures: the ablation, the loss ablation, curves of one kind of
    blur, and what a detector found."""
    import paper_files

    folder = tmp_path_factory.mktemp("paper")
    paper_files.write_ablation(folder, checkpoints)
    paper_files.write_losses(folder)
    paper_files.write_curves(folder, "deblurring", "curves/motion.svg")
    paper_files.write_detection(folder, {"input": (3, 1, 3), "resg": (4, 0, 2), "stackedg": (2, 4, 4)}, trained=["resg"])
    return folder


@pytest.fixture(scope="session")
def server(
    checkpoints: Path, gallery: Path, taped: Path, paper: Path, no_official_files: dict, tmp_path_factory
) -> Iterator[str]:
    """The address of the app, running in a process of its own."""
    folder = tmp_path_factory.mktemp("app")
    port = _free_port()
    environment = os.environ | no_official_files | {"GRADIO_TEMP_DIR": str(folder / "files"), "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("w") as log:
        words = [str(word) for word in (HERE / "serve.py", checkpoints, port, gallery, taped, paper)]
        process = subprocess.Popen([sys.executable, *words], env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process, folder / "log")
        yield address
        assert "Traceback" not in (folder / "log").read_text(), (folder / "log").read_text()
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(START_SECONDS * 5):
        if process.poll() is not None:
            pytest.fail(f"The app ended at once:\n{log.read_text()}")
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"The app did not answer within {START_SECONDS} seconds:\n{log.read_text()}")


@pytest.fixture(scope="session")
def chromium():
    """A Chromium; without one the tests are skipped, except in CI, where it must be there."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if program is None:
        reason = "there is no Chromium on this machine (apt-get install chromium)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, server) -> Iterator[Callable]:
    """A function that opens the page in a fresh context; at the end no page may have complained on its console."""
    contexts, complaints = [], []

    def open_it(query: str = "", finished: bool = True, **context_options):
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **context_options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server + "/" + query)
        if finished:
            wait_until_done(page)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page):
    """The page as a visitor finds it, its first comparison done."""
    return open_page()
