"""Who may import whom: docs/architecture.md, held to the code."""

import ast
import subprocess
import sys

from conftest import ROOT

LAB = ROOT / "lab"

# room -> rooms of the lab it may import (itself is always allowed)
FOUNDATION = {"errors", "resize", "gradients", "images", "degrade"}
MAY_IMPORT = {
    "errors": set(),
    "resize": set(),
    "gradients": set(),
    "images": {"errors"},
    "degrade": {"errors", "resize"},
    "diagnostics": FOUNDATION,
    "classical": {"resize"},
    "figures": {"images"},
    "examples": set(),
    "metrics": {"images"},
    "networks": {"resize", "gradients"},
    "layouts": {"errors", "networks"},
    "weights": {"errors", "networks", "layouts"},
    "methods": {"errors", "degrade"},
    "restore": {"errors", "classical", "degrade", "methods", "networks", "weights"},
    "compare": FOUNDATION | {"classical", "methods", "metrics", "restore", "weights"},
    "benchmark": FOUNDATION | {"compare", "methods"},
    "train": FOUNDATION | {"methods", "metrics", "networks", "weights"},
    "cli": None,  # the outermost rooms may import all but each other
    "ui": None,
    "__main__": {"cli"},
    "__init__": set(),
}
ONLY_IN = {"gradio": {"ui"}, "typer": {"cli"}, "accelerate": {"train"}}
SLOW = {"gradio", "lpips", "matplotlib", "skimage", "cv2", "spandrel", "scipy", "accelerate", "torchvision"}


def room_of(path):
    first = path.relative_to(LAB).parts[0]
    return first.removesuffix(".py")


def imports(tree):
    """(dotted name, at the top level of the file) of every import."""
    top = set(ast.walk(ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in top
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module, node in top
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node in top


def all_imports():
    for path in sorted(LAB.rglob("*.py")):
        for name, top in imports(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, name, top


def test_every_room_imports_only_the_rooms_it_may():
    wrong = []
    for path, name, _ in all_imports():
        parts = name.split(".")
        if parts[0] != "lab" or len(parts) == 1:
            continue
        room, target = room_of(path), parts[1]
        allowed = MAY_IMPORT[room]
        fine = target == room or (target not in {"cli", "ui"} if allowed is None else target in allowed)
        if room == "cli" and target == "train":
            fine = True
        if not fine:
            wrong.append(f"{path.relative_to(ROOT)} imports lab.{target}")
    assert not wrong


def test_nothing_that_infers_imports_training():
    users = {room_of(path) for path, name, _ in all_imports() if name.startswith("lab.train")}
    assert users <= {"train", "cli"}


def test_some_libraries_stay_in_their_rooms():
    for path, name, _ in all_imports():
        library = name.split(".")[0]
        if library in ONLY_IN:
            assert room_of(path) in ONLY_IN[library], f"{path.relative_to(ROOT)} imports {library}"


def test_the_architecture_page_names_every_room():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for room in MAY_IMPORT:
        if not room.startswith("__"):
            assert f"`{room}" in page, room


def test_importing_the_heart_of_the_lab_loads_no_slow_library():
    script = f"import sys, lab.compare, lab.cli; print(sorted({SLOW!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
