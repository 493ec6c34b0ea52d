"""Who may import whom: docs/architecture.md, held to the code."""

import ast
import re
import subprocess
import sys

from conftest import ROOT

LAB = ROOT / "lab"

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ONLY_IN = {"gradio": {"ui"}, "typer": {"cli"}, "accelerate": {"train", "benchmark"}, "sklearn": {"fitting"}}
SLOW = {"gradio", "lpips", "matplotlib", "skimage", "cv2", "spandrel", "scipy", "accelerate", "torchvision", "sklearn"}


def table() -> dict[str, tuple[set[str], bool]]:
    """room -> (the rooms its row names, whether these are the forbidden ones), from the page's table."""
    rows = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 2:
            named = set(re.findall(r"`(\w+)`", cells[1]))
            for room in re.findall(r"`(\w+)`", cells[0]):
                rows[room] = named, cells[1].startswith("everything but")
    return rows


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


def test_every_room_imports_only_the_rooms_its_row_names():
    rows, wrong = table(), []
    for path, name, _ in all_imports():
        parts = name.split(".")
        room = room_of(path)
        if parts[0] != "lab" or len(parts) == 1 or room.startswith("__") or parts[1] == room:
            continue
        named, forbidden = rows[room]
        if parts[1] not in {one.stem for one in LAB.iterdir()}:
            continue  # a name from the package itself
        if (parts[1] in named) == forbidden:
            wrong.append(f"{path.relative_to(ROOT)} imports lab.{parts[1]}")
    assert not wrong


def test_the_page_has_a_row_for_every_room_and_no_other():
    rooms = {path.stem for path in LAB.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert {room for room in rooms if not room.startswith("__")} == set(table())


def test_no_import_is_relative():
    for path in LAB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


def test_nothing_that_infers_imports_training():
    users = {room_of(path) for path, name, _ in all_imports() if name.startswith("lab.train")}
    assert users <= {"train", "cli"}


def test_some_libraries_stay_in_their_rooms():
    for path, name, _ in all_imports():
        library = name.split(".")[0]
        if library in ONLY_IN:
            assert room_of(path) in ONLY_IN[library], f"{path.relative_to(ROOT)} imports {library}"


def test_importing_the_heart_of_the_lab_loads_no_slow_library():
    script = f"import sys, lab.compare, lab.cli; print(sorted({SLOW!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
