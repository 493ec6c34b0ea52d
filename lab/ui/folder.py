"""The folder on disk where the page keeps uploads and results: the user's own, closed to others."""

import contextlib
import getpass
import os
import stat
import tempfile
from pathlib import Path

from lab.errors import LabError


class FolderError(LabError):
    """A folder that is not safe to keep visitors' pictures in; its text is the sentence to show."""


def default_folder() -> Path:
    """A folder of this user's below the system's temporary one; not made yet."""
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    return Path(tempfile.gettempdir()) / f"clarity-lab-{user}"


def close_to_others(folder: Path) -> Path:
    """Make a folder that only this user can enter, or check that it is one, and return it.

    Raises:
        FolderError: something else lies there, or it belongs to another user, who could read or change what is kept in it.
    """
    with contextlib.suppress(FileExistsError):  # a file, a link or a folder: what it is comes next
        folder.mkdir(mode=0o700, parents=True)
    about = folder.lstat()
    advice = "Set GRADIO_TEMP_DIR to a folder of your own."
    if not stat.S_ISDIR(about.st_mode):
        raise FolderError(f"{folder} is not a folder: the page keeps pictures there. {advice}")
    if hasattr(os, "getuid") and about.st_uid != os.getuid():
        raise FolderError(f"{folder} belongs to another user, who could read the pictures kept there. {advice}")
    folder.chmod(0o700)
    return folder
