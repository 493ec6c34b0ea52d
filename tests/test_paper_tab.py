"""The paper's tab: what it says of stored files, of files that are missing, and of figures that are out of date."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from paper_files import IN_ORDER, OTHER_ORDER, SVG, row, write_ablation, write_curves, write_detection, write_losses

from lab import methods, weights
from lab.ablation.paper import FAMILY
from lab.methods import METHODS
from lab.networks import build
from lab.ui import address, paper_tab
from lab.ui.comparison import Comparer
from lab.ui.paper_tables import SAME_ORDER, blur_name
from lab.ui.paper_view import after_panels, before_panels
from lab.ui.store import ResultStore


@pytest.fixture
def store(tmp_path) -> ResultStore:
    return ResultStore(tmp_path / "store")


@pytest.fixture
def checkpoints(tmp_path, monkeypatch) -> Path:
    """The four in small, untrained, in place of the shipped ones."""
    folder = tmp_path / "checkpoints"
    for key in FAMILY:
        kind = "nonbn-resg" if key.startswith("nonbn") else key
        card = {"name": f"Small {key}", "stage": "untrained", "steps": 30, "data": "made-up pictures", "trained_for": []}
        weights.save(build("resg", kind=kind, width=4, blocks=1).eval(), folder / f"{key}.safetensors", card)
    monkeypatch.setattr(methods, "CHECKPOINTS", folder)
    return folder


def sections(folder: Path, store: ResultStore) -> dict[str, dict]:
    """Every section of the tab by its key."""
    both = before_panels("gaussian:sigma=1.6", "Astronaut", "?x", folder), after_panels(store, folder)
    return {section["key"]: section for value in both for section in value["sections"]}


def test_everything_that_is_missing_is_said_in_a_sentence_with_what_to_do(tmp_path, store):
    found = sections(tmp_path / "nothing", store)
    assert list(found) == ["idea", "table", "panels", "closeups", "losses", "deblurring", "reading", "detection"]
    for key in ("table", "closeups", "losses", "deblurring", "reading", "detection"):
        assert "python" in found[key]["missing"], key
        assert found[key]["tables"] == found[key]["pictures"] == []
    assert [step["key"] for step in found["idea"]["steps"]] == list(FAMILY)


def test_how_far_the_labs_four_have_been_trained_is_said_in_their_cards_words(tmp_path, store, checkpoints):
    said = " ".join(sections(tmp_path / "nothing", store)["idea"]["notes"])
    assert all(f"{METHODS[key].name}: untrained" in said for key in FAMILY)
    for file in checkpoints.iterdir():
        file.unlink()
    assert "untrained" not in " ".join(sections(tmp_path / "nothing", store)["idea"]["notes"])


def test_the_table_holds_the_papers_figures_and_the_files_side_by_side(tmp_path, store, checkpoints):
    write_ablation(tmp_path / "paper", checkpoints, IN_ORDER)
    table = sections(tmp_path / "paper", store)["table"]
    assert [one["key"] for one in table["tables"]] == ["gaussian:sigma=1.6", "x4-bicubic"]
    assert table["command"] == "python -m lab ablation PICTURES --ship"
    assert "7 pictures of PICTURES" in table["texts"][0]
    first = table["tables"][0]
    names = [column["name"] for column in first["columns"]]
    assert names == ["PSNR", "SSIM", "PSNR", "SSIM", "Gradient ratio", "Gradient error", "Overshoot", "LPIPS-lab", "NIQE-lab"]
    assert [one["key"] for one in first["rows"]] == ["input", *FAMILY]
    texts = {one["key"]: [cell["text"] for cell in one["cells"]] for one in first["rows"]}
    assert texts["nonbn-resg"] == ["28.54", "0.917", "28.00", "0.9000", "0.800", "7.00", "0.50", "0.2000", "–"]
    assert texts["input"][:3] == ["", "", "24.00"]


def test_the_best_two_are_marked_among_the_networks_and_a_ratio_is_best_at_one(tmp_path, store, checkpoints):
    write_ablation(tmp_path / "paper", checkpoints, IN_ORDER | {"input": row(99.0, 0.99, 1.0)})
    rows = sections(tmp_path / "paper", store)["table"]["tables"][0]["rows"]
    rank = {one["key"]: [cell["rank"] for cell in one["cells"]] for one in rows}
    assert [rank[key][2] for key in ("input", *FAMILY)] == [0, 0, 0, 1, 2]
    assert [rank[key][4] for key in ("input", *FAMILY)] == [0, 0, 0, 2, 1]
    assert [rank[key][0] for key in ("input", *FAMILY)] == [0, 0, 0, 1, 2]


def test_an_order_unlike_the_papers_is_said_with_why_and_a_like_one_too(tmp_path, store, checkpoints):
    write_ablation(tmp_path / "paper", checkpoints, IN_ORDER)
    same = sections(tmp_path / "paper", store)["table"]
    assert [one["notes"] for one in same["tables"]] == [[SAME_ORDER]] * 2
    assert same["notes"] == []
    write_ablation(tmp_path / "paper", checkpoints, OTHER_ORDER)
    other = sections(tmp_path / "paper", store)["table"]
    assert other["tables"][1]["notes"] == [SAME_ORDER]
    assert other["tables"][0]["notes"][0].endswith("here it is NonBN-ResG, NonBN-ResG-L, StackedG, ResG.")
    assert "the lab for at most 30 steps on made-up pictures." in other["notes"][0]


def test_a_checkpoint_that_changed_since_is_named(tmp_path, store, checkpoints):
    write_ablation(tmp_path / "paper", checkpoints, IN_ORDER)
    (checkpoints / "resg.safetensors").write_bytes(b"another")
    (checkpoints / "stackedg.safetensors").unlink()
    notes = sections(tmp_path / "paper", store)["table"]["notes"]
    assert len(notes) == 1
    assert notes[0].endswith("for StackedG, ResG.")


def test_close_ups_say_which_blur_they_are_of(tmp_path, store, checkpoints):
    write_ablation(tmp_path, checkpoints, IN_ORDER)
    (strip,) = sections(tmp_path, store)["closeups"]["pictures"]
    assert strip["caption"].startswith("Gaussian blur, sigma 1.6 px. ")


def test_the_loss_ablation_has_its_table_and_its_strip(tmp_path, store):
    write_losses(tmp_path)
    value = after_panels(store, tmp_path)
    losses = next(section for section in value["sections"] if section["key"] == "losses")
    (table,) = losses["tables"]
    assert table["title"] == "Gaussian blur, sigma 1.6 px; 600 steps each; 3 pictures of PICTURES"
    assert [one["name"] for one in table["rows"]] == ["Blurred input", "L2", "L1"]
    assert [one["cells"][0]["text"] for one in table["rows"]] == ["20.00", "21.00", "22.00"]
    (strip,) = losses["pictures"]
    assert value["files"][strip["file"]].read_bytes() == (tmp_path / "losses.webp").read_bytes()
    assert value["files"][strip["file"]].is_relative_to(store.folder)
    assert "blurred, L2, L1, sharp" in strip["alt"]


def test_curves_are_shown_with_what_made_them_and_only_beside_their_figures(tmp_path, store, checkpoints):
    write_curves(tmp_path, "deblurring", "curves/defocus.svg", "curves/motion.svg", "curves/gaussian.svg")
    (tmp_path / "curves" / "x4-bicubic.svg").write_text(SVG)  # of another run: the figures name no such kind
    section = sections(tmp_path, store)["deblurring"]
    assert section["missing"] == ""
    assert [one["caption"] for one in section["pictures"]] == ["Gaussian blur", "Motion blur", "Defocus"]
    assert section["pictures"][1]["data"].startswith("data:image/svg+xml;base64,")
    assert section["command"] == "python benchmarks/deblurring.py BSD100"
    assert section["notes"][0] == "Measured on 100 pictures of BSD100."
    assert section["notes"][1].endswith("for Bicubic, ResG.")
    (tmp_path / "deblurring.json").unlink()
    without = sections(tmp_path, store)["deblurring"]
    assert "python benchmarks/deblurring.py" in without["missing"]
    assert without["pictures"] == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"text"', "{}", '{"command": 3}', '{"conditions": 3, "pictures": [], "command": ""}']
)
def test_a_file_that_cannot_be_read_counts_as_missing(tmp_path, store, checkpoints, content):
    for name in ("ablation", "losses", "deblurring", "reading", "detection"):
        (tmp_path / f"{name}.json").write_text(content)
    (tmp_path / "reading.svg").write_text(SVG)
    write_curves(tmp_path / "others", "deblurring", "curves/motion.svg")
    shutil.copytree(tmp_path / "others" / "curves", tmp_path / "curves")
    write_ablation(tmp_path / "others", checkpoints)
    shutil.copytree(tmp_path / "others" / "figures", tmp_path / "figures")
    found = sections(tmp_path, store)
    assert all(found[key]["missing"] for key in ("table", "closeups", "losses", "deblurring", "reading", "detection"))


def test_what_a_detector_found_is_a_table_that_marks_the_best_and_what_was_not_trained_for(tmp_path, store, checkpoints):
    write_detection(tmp_path, {"input": (3, 1, 3), "resg": (4, 0, 2), "nonbn-resg": (2, 4, 4)}, trained=["resg"])
    section = sections(tmp_path, store)["detection"]
    (table,) = section["tables"]
    assert [one["name"] for one in table["columns"]] == ["Gaussian blur, sigma 1.6 px"]
    assert [one["name"] for one in table["rows"]] == ["Blurred input", "Small resg", "Small nonbn-resg"]
    cells = [one["cells"][0] for one in table["rows"]]
    assert [cell["text"] for cell in cells] == ["0.600", "0.800", "0.333*"]
    assert [cell["rank"] for cell in cells] == [0, 1, 2]
    assert cells[1]["title"] == "4 found on both, 0 on this one alone, 2 on the sharp one alone."
    assert "6 finds" in table["title"]
    assert section["command"] == "python benchmarks/detection.py STREET"
    assert section["notes"][0] == "Measured on 2 pictures of STREET."


def test_a_detector_that_found_nothing_has_no_figure(tmp_path, store, checkpoints):
    write_detection(tmp_path, {"input": (0, 0, 0), "resg": (0, 0, 0)}, trained=[])
    (table,) = sections(tmp_path, store)["detection"]["tables"]
    assert [one["cells"][0]["text"] for one in table["rows"]] == ["–", "–"]


def test_a_whole_file_with_one_entry_spoilt_counts_as_missing_and_hides_no_other(tmp_path, store, checkpoints):
    write_ablation(tmp_path, checkpoints)
    write_losses(tmp_path)
    write_curves(tmp_path, "deblurring", "curves/motion.svg")
    write_detection(tmp_path, {"input": (3, 1, 3), "resg": (4, 0, 2)}, trained=["resg"])
    names = ("ablation", "losses", "deblurring", "detection")
    whole = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in names}
    blur = "gaussian:sigma=1.6"
    spoilt = [
        ("ablation", "table", whole["ablation"] | {"conditions": {blur: IN_ORDER | {"resg": {"psnr": "high"}}}}),
        ("ablation", "table", whole["ablation"] | {"paper": {"resg": {"psnr": None, "ssim": 0.8}}}),
        ("losses", "losses", whole["losses"] | {"conditions": {blur: {"input": {"psnr": "high"}}}}),
        ("losses", "losses", whole["losses"] | {"variants": []}),
        ("deblurring", "deblurring", whole["deblurring"] | {"blurs": None}),
        ("detection", "detection", whole["detection"] | {"conditions": {blur: {"input": {}}}}),
    ]
    for name, key, about in spoilt:
        (tmp_path / f"{name}.json").write_text(json.dumps(about))
        found = sections(tmp_path, store)
        assert [one for one in ("table", *names[1:]) if found[one]["missing"]] == [key]
        (tmp_path / f"{name}.json").write_text(json.dumps(whole[name]))
    assert not any(section["missing"] for key, section in sections(tmp_path, store).items() if key in ("table", *names[1:]))


def test_a_blur_is_named_in_words_and_nonsense_stays_as_it_is():
    assert blur_name("gaussian:sigma=1.6") == "Gaussian blur, sigma 1.6 px"
    assert blur_name("x4-bicubic") == "Shrunk to a quarter and enlarged again, bicubic"
    assert blur_name("gaussian:sigma=1.6,noise=10,jpeg=40") == "Gaussian blur, sigma 1.6 px, noise 10, JPEG quality 40"
    assert blur_name("motion:length=15,seed=3") == "Motion blur, length 15 px, seed 3"
    assert blur_name("fog") == "fog"


def test_before_run_the_ends_are_shown_and_the_four_say_what_to_do(store, checkpoints):
    (checkpoints / "resg.safetensors").unlink()
    comparer, task = Comparer(store), paper_tab.panels_task("cpu")
    found = paper_tab.at_hand(comparer, task, threading.Event())
    assert found.input.files()["picture"].exists()
    assert found.reference is not None
    assert [found.panes[key].state for key in FAMILY] == ["absent", "failed", "absent", "absent"]
    assert found.panes["stackedg"].reason == paper_tab.NOT_YET
    assert not found.is_whole()


def test_the_link_leads_to_the_same_comparison():
    from urllib.parse import parse_qsl

    link = address.write(paper_tab.PICTURE, paper_tab.BLUR, "same", FAMILY)
    read = address.read(dict(parse_qsl(link[1:])))
    task = paper_tab.panels_task("cpu")
    assert (read.picture, read.degradation, read.methods) == (task.example, task.degradation, task.methods)
    assert read.complaints == []
