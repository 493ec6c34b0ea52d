"""python -m lab ablation: the paper's four networks beside the paper's own figures, and its Figures 4 and 5."""

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import textured_picture
from typer.testing import CliRunner

from lab import methods
from lab.ablation import AblationError, panels, stored
from lab.ablation.panels import SPOTS, Spot
from lab.ablation.paper import FAMILY, PAPER, differences
from lab.benchmark import Job, running
from lab.benchmark import run as benchmark
from lab.classical import bicubic
from lab.cli import app
from lab.compare import Finished, compare, prepare
from lab.degrade import parse, round_to_8_bits
from lab.digests import sha256
from lab.examples import EXAMPLES, Example
from lab.images import read_picture, to_picture, to_tensor, write_png
from lab.methods import checkpoint
from lab.metrics import measure
from lab.networks import build
from lab.weights import save

BLUR, SHRUNK = "gaussian:sigma=1.6", "x4-bicubic"
NAMES = [methods.METHODS[method].name for method in FAMILY]
AS_THE_PAPER = {method: {"psnr": row["psnr"], "ssim": row["ssim"]} for method, row in PAPER.items()}


def lab(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The family, narrow and untrained, as checkpoints."""
    folder = tmp_path_factory.mktemp("checkpoints")
    with torch.random.fork_rng():
        for seed, method in enumerate(FAMILY):
            torch.manual_seed(seed)
            kind = "nonbn-resg" if method == "nonbn-resg-l" else method
            network = build("resg", kind=kind, width=4, blocks=1)
            save(network, folder / f"{method}.safetensors", {"name": methods.METHODS[method].name, "stage": f"test {seed}"})
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch, weights, small_models):
    """Sharp pictures in `BSD`, the narrow family, small examples, and a place of its own for what is shipped."""
    for i in range(3):
        write_png(textured_picture(202, 210, seed=i), tmp_path / "BSD" / f"{i}.png")
    monkeypatch.chdir(tmp_path)  # where `runs` is made
    monkeypatch.setattr(methods, "CHECKPOINTS", weights)
    monkeypatch.setattr(stored, "FOLDER", tmp_path / "shipped")
    examples = [Example(key, key.title(), tmp_path / f"{key}.png", "the lab") for key in ("astronaut", "page")]
    for seed, example in enumerate(examples):
        write_png(textured_picture(40, 56, seed=seed), example.path)
    monkeypatch.setattr(panels, "EXAMPLES", examples)
    monkeypatch.setattr(panels, "SPOTS", (Spot("face", "astronaut", (8, 4, 24, 24), 2), Spot("text", "page", (0, 0, 16, 16), 3)))
    return tmp_path


def run(place, *more):
    done = lab("ablation", place / "BSD", "--device", "cpu", *more)
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def one_picture(place):
    """The folder that one run over one picture wrote, shipped as well."""
    run(place, "--pictures", 1, "--out", place / "out", "--ship")
    return place / "out"


def test_one_command_prints_the_papers_figures_beside_ours_and_names_itself(place):
    done = run(place, "--pictures", 1, "--out", place / "out")
    about = json.loads((place / "out" / "ablation.json").read_text(encoding="utf-8"))
    assert about["command"] == "python -m lab ablation BSD --pictures 1"
    assert about["pictures"] == {"folder": "BSD", "count": 1}
    assert list(about["conditions"]) == [BLUR, SHRUNK]
    assert about["checkpoints"] == {method: sha256(methods.checkpoint(method)) for method in FAMILY}
    assert about["variants"]["lpips"] == about["variants"]["niqe"] == "lab"
    markdown = (place / "out" / "table.md").read_text(encoding="utf-8")
    for rows, page in ((about["conditions"][BLUR], done.stdout), (about["conditions"][SHRUNK], markdown)):
        assert list(rows) == ["input", *FAMILY]
        for method, name in zip(FAMILY, NAMES, strict=True):
            values = rows[method]
            shown = [f"{PAPER[method]['psnr']:.2f}", f"{PAPER[method]['ssim']:.3f}", f"{values['psnr']:.2f}",
                     f"{values['ssim']:.4f}", f"{values['gradient-ratio']:.3f}", f"{values['gradient-error']:.2f}",
                     f"{values['overshoot']:.2f}", f"{values['lpips']:.4f}", f"{values['niqe']:.3f}"]  # fmt: skip
            cells = [line.replace("|", " ").split() for line in page.splitlines()]
            assert [name, *shown] in cells
    assert "NIQE-lab" in done.stdout
    assert "a blur that it does not state" in done.stdout
    assert str(place) not in markdown


def test_figures_are_of_the_blurred_pictures_in_all_channels_and_of_the_enlargement(one_picture):
    conditions = json.loads((one_picture / "ablation.json").read_text(encoding="utf-8"))["conditions"]
    sharp = read_picture(one_picture.parent / "BSD" / "0.png")[:200, :208]
    enlarged = bicubic(to_tensor(prepare(sharp, parse(SHRUNK)).given), 4)
    inputs = {BLUR: prepare(sharp, parse(BLUR)).given, SHRUNK: to_picture(round_to_8_bits(enlarged))}
    for condition, given in inputs.items():
        found = {"input": given}
        for event in compare(prepare(sharp, parse(condition)), FAMILY, (), device="cpu"):
            if isinstance(event, Finished):
                found[event.method] = event.picture
        assert list(found) == ["input", *FAMILY]
        for method, picture in found.items():
            for metric in ("psnr", "ssim", "gradient-ratio", "niqe"):
                assert conditions[condition][method][metric] == measure(metric, picture, sharp, "rgb").value, (method, metric)
    assert conditions[BLUR]["input"]["psnr"] != conditions[SHRUNK]["input"]["psnr"]


def test_means_are_those_of_the_benchmark_and_a_second_run_measures_nothing_anew(place, monkeypatch):
    run(place, "--pictures", 2, "--blur", "defocus:radius=2", "--out", place / "out")
    about = json.loads((place / "out" / "ablation.json").read_text(encoding="utf-8"))
    assert about["command"] == "python -m lab ablation BSD --pictures 2 --blur defocus:radius=2"
    report = benchmark([place / "BSD"], Job(FAMILY, parse("defocus:radius=2"), ("psnr",), ("rgb",), device="cpu"), at_most=2)
    assert about["pictures"]["count"] == 2
    for method in FAMILY:
        assert about["conditions"]["defocus:radius=2"][method]["psnr"] == pytest.approx(report.means["BSD"][method]["psnr"])
    records = (place / "out" / "records.jsonl").read_text(encoding="utf-8")
    monkeypatch.setattr(panels, "draw", lambda blur, checkpoints, device: {})
    run(place, "--pictures", 2, "--blur", "defocus:radius=2", "--out", place / "out")
    assert (place / "out" / "records.jsonl").read_text(encoding="utf-8") == records


def test_the_panels_are_blurred_sharp_and_the_four_and_close_ups_a_row_for_each_spot(one_picture):
    sharp = read_picture(one_picture.parent / "astronaut.png")
    blurred = prepare(sharp, parse(BLUR)).given
    drawn = read_picture(one_picture / "figure-panels.png")
    for left, picture in ((9, blurred), (9 + 56 + 2 + 8, sharp)):
        np.testing.assert_array_equal(drawn[9 : 9 + 40, left : left + 56], picture)
    closeups = read_picture(one_picture / "figure-closeups.png")
    text = read_picture(one_picture.parent / "page.png")[:16, :16].repeat(3, 0).repeat(3, 1)
    left = 9 + 5 * (48 + 2 + 8)
    np.testing.assert_array_equal(closeups[9:57, left : left + 48], sharp[4:28, 8:32].repeat(2, 0).repeat(2, 1))
    tops = [top for top in range(60, closeups.shape[0] - 48) if (closeups[top : top + 48, left : left + 48] == text).all()]
    assert len(tops) == 1, "the second row ends in the sharp lettering"


def test_panels_of_other_weights_than_were_measured_are_refused():
    measured = {key: sha256(checkpoint(key)) for key in FAMILY}
    with pytest.raises(AblationError, match=r"resg\.safetensors was replaced after it was measured: start it again\."):
        panels.restore(EXAMPLES[0], parse("gaussian:sigma=1.6"), measured | {"resg": "0" * 64}, "cpu")


def test_every_spot_lies_in_its_example_and_all_rows_are_equally_wide():
    examples = {example.key: example for example in EXAMPLES}
    assert [spot.name for spot in SPOTS] == ["face", "hair", "eyes", "lettering"]
    for spot in SPOTS:
        height, width = read_picture(examples[spot.example].path).shape[:2]
        x, y, wide, high = spot.box
        assert min(x, y) >= 0
        assert x + wide <= width
        assert y + high <= height
    assert len({spot.box[2] * spot.zoom for spot in SPOTS}) == 1


def test_what_is_shipped_is_read_back_with_its_close_ups_without_loss(one_picture):
    kept = stored.read()
    assert kept.command == "python -m lab ablation BSD --pictures 1 --ship"
    assert kept.about == json.loads((one_picture / "ablation.json").read_text(encoding="utf-8"))
    assert kept.paper == PAPER
    np.testing.assert_array_equal(read_picture(kept.closeups), read_picture(one_picture / "figure-closeups.png"))
    assert not list(stored.FOLDER.rglob("*.part"))


def test_a_checkpoint_that_was_replaced_is_no_longer_current(one_picture, monkeypatch, tmp_path):
    kept = stored.read()
    assert all(stored.is_current(kept.checkpoints, method) for method in FAMILY)
    other = tmp_path / "others"
    save(build("resg", kind="resg", width=5, blocks=1), other / "resg.safetensors", {})
    (other / "stackedg.safetensors").write_bytes(methods.checkpoint("stackedg").read_bytes())
    monkeypatch.setattr(methods, "CHECKPOINTS", other)
    current = [stored.is_current(kept.checkpoints, method) for method in ("stackedg", "resg", "nonbn-resg")]
    assert current == [True, False, False]


def test_nothing_or_a_damaged_file_is_read_as_nothing(tmp_path, one_picture):
    assert stored.read(tmp_path / "nowhere") is None
    whole = json.loads((stored.FOLDER / stored.NAME).read_text(encoding="utf-8"))
    file = tmp_path / stored.NAME
    file.write_text(json.dumps(whole), encoding="utf-8")
    assert stored.read(tmp_path).about == whole
    for text in ("{", "[]", "{}", json.dumps(whole | {"conditions": {BLUR: [1]}}), json.dumps(whole | {"paper": None})):
        file.write_text(text, encoding="utf-8")
        assert stored.read(tmp_path) is None, text


def test_the_papers_own_order_differs_in_nothing():
    assert differences(AS_THE_PAPER) == []
    ratios = dict(zip(FAMILY, (0.5, 0.6, 0.7, 0.8), strict=True))
    assert differences({method: row | {"gradient-ratio": ratios[method]} for method, row in AS_THE_PAPER.items()}) == []


def test_each_respect_in_which_the_order_differs_is_one_sentence():
    rows = {method: dict(row) | {"gradient-ratio": 0.7} for method, row in AS_THE_PAPER.items()}
    rows["resg"]["psnr"] = 28.45
    rows["nonbn-resg-l"] = {"psnr": 28.39, "ssim": 0.7, "gradient-ratio": 0.6}
    psnr, ssim, sharpness = differences(rows)
    assert psnr == (
        "PSNR: from best to worst the paper has NonBN-ResG, NonBN-ResG-L, ResG, StackedG; "
        "here it is NonBN-ResG, ResG, NonBN-ResG-L, StackedG."
    )
    assert ssim.endswith("here it is NonBN-ResG, ResG, StackedG, NonBN-ResG-L.")
    assert "0.700 of the original's" in sharpness
    assert sharpness.endswith("the latter 0.600.")


def test_figures_that_look_equal_are_in_no_order_and_missing_ones_are_not_compared():
    rows = {method: dict(row) for method, row in AS_THE_PAPER.items()}
    rows["nonbn-resg-l"]["psnr"] = 28.5449
    rows["nonbn-resg"]["psnr"] = 28.5401
    assert differences(rows) == []
    rows["nonbn-resg-l"]["psnr"] = 28.549
    assert len(differences(rows)) == 1
    rows["stackedg"]["psnr"] = None
    assert differences(rows) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--blur", SHRUNK), "lab: x4-bicubic is measured in any case: give a blur that keeps the size"),
        (("--blur", "fog"), "lab: unknown degradation 'fog'"),
    ],
)
def test_a_blur_that_makes_no_sense_is_one_sentence(place, words, sentence):
    done = lab("ablation", place / "BSD", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_a_folder_without_pictures_is_one_sentence(place):
    done = lab("ablation", place / "nowhere")
    assert done.exit_code == 2
    assert done.stderr.startswith("lab: there is no folder")


def test_a_network_that_was_never_trained_is_named_before_anything_runs(place, monkeypatch, tmp_path):
    monkeypatch.setattr(methods, "CHECKPOINTS", tmp_path / "none")
    done = lab("ablation", place / "BSD")
    assert done.exit_code == 2
    assert done.stderr == "lab: StackedG has no checkpoint: train it with python -m lab train stackedg --ship.\n"


def test_a_network_that_fails_is_named_and_nothing_is_shipped(place, monkeypatch, weights):
    shutil.copytree(weights, place / "damaged")
    (place / "damaged" / "resg.safetensors").write_bytes(b"no weights")
    monkeypatch.setattr(methods, "CHECKPOINTS", place / "damaged")
    done = lab("ablation", place / "BSD", "--pictures", 1, "--ship")
    assert done.exit_code == 2
    assert "lab: resg could not be measured on 0.png: " in done.stderr
    assert not stored.FOLDER.exists()
    assert list((place / "runs" / "ablation").iterdir())  # what was measured is kept


def test_another_process_than_the_first_writes_nothing(place, monkeypatch):
    class Second(running.Processes):
        is_main = False

    monkeypatch.setattr(running, "Processes", Second)
    done = run(place, "--pictures", 1, "--out", place / "out", "--ship")
    assert done.stdout == ""
    assert [path.name for path in (place / "out").iterdir()] == ["records.jsonl"]
    assert not stored.FOLDER.exists()
