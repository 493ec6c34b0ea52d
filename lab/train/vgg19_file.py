"""VGG-19's ImageNet weights as a file on disk: `lab.official` knows where it lies; training must not mistake a damaged one."""

import logging
from pathlib import Path

from lab import official
from lab.errors import LabError

KEY = "vgg19"


class FeaturesError(LabError):
    """Features that cannot be had; its text is the sentence to show."""


def on_disk() -> Path | None:
    """The file, if it is there.

    Raises:
        FeaturesError: it is there, but is not whole.
    """
    path = official.place(KEY)
    if not path.is_file():
        return None
    wrong = official.fault(KEY, path)
    if wrong:
        what_to_do = "delete it, or let it be downloaded again"
        raise FeaturesError(f"{path} is not VGG-19's ImageNet weights ({wrong}): {what_to_do}.")
    return path


def download() -> Path:
    """The file, fetched from torchvision's address, with a progress bar, unless it is there and whole already.

    Raises:
        FeaturesError: it could not be fetched, or what came is something else.
    """
    from tqdm import tqdm

    path = official.place(KEY)
    if official.found(KEY):
        return path
    address = official.find(KEY).urls[0]
    logging.getLogger(__name__).info("downloading VGG-19's ImageNet weights from %s", address)
    with tqdm(unit="B", unit_scale=True, desc=path.name) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            return official.fetch(KEY, show)
        except official.OfficialError as error:
            what_to_do = f"train without the download, or put the file into {path.parent} by hand"
            raise FeaturesError(f"{error.what}: {what_to_do}.") from error
