"""lab.reading and benchmarks/reading.py: QR codes on pictures, and how many are read after a blur and a restoration."""

import json
import sys

import cv2
import numpy as np
import pytest
from conftest import ROOT, textured_picture

sys.path.insert(0, str(ROOT))

from benchmarks import machines, reading
from lab import methods
from lab.benchmark.records import Records
from lab.compare import prepare
from lab.degrade import Degradation
from lab.digests import sha256
from lab.images import write_png
from lab.networks import build
from lab.reading import MODULES, QUIET, SIDE, ReadingError, code, read, scene, scenes
from lab.weights import save

FAST = "srnet"
"""The quickest of the methods that keep the size."""


@pytest.fixture(scope="module")
def backgrounds():
    return [textured_picture(190, 200, seed) for seed in range(2)]


@pytest.fixture
def folder(backgrounds, tmp_path):
    for i, picture in enumerate(backgrounds):
        write_png(picture, tmp_path / "behind" / f"{i}.png")
    return tmp_path / "behind"


def run(monkeypatch, capsys, *words):
    """What the command prints; or the sentence it ends with."""
    monkeypatch.setattr(sys, "argv", ["reading.py", *map(str, words)])
    try:
        reading.main()
    except SystemExit as ended:
        return str(ended)
    return capsys.readouterr().out


def replaced(folder, monkeypatch):
    """Put other weights in the place of FAST's; their SHA-256."""
    save(build(FAST, width=4), folder / f"{FAST}.safetensors", {"name": "another"})
    monkeypatch.setattr(methods, "CHECKPOINTS", folder)
    return sha256(folder / f"{FAST}.safetensors")


# the codes


def test_a_code_says_its_text_and_has_the_quiet_zone_that_the_standard_asks_for():
    modules = code("CLARITY2345678")
    assert modules.shape == (21 + 2 * QUIET, 21 + 2 * QUIET)
    inside = np.zeros_like(modules, bool)
    inside[QUIET:-QUIET, QUIET:-QUIET] = True
    assert (modules[~inside] == 255).all()
    assert (modules[QUIET, QUIET : QUIET + 7] == 0).all(), "the finder pattern begins where the quiet zone ends"
    assert read(cv2.cvtColor(np.kron(modules, np.ones((4, 4), np.uint8)), cv2.COLOR_GRAY2RGB)) == "CLARITY2345678"


def test_sharp_codes_are_read_and_strongly_blurred_ones_are_not(backgrounds):
    made = scenes(backgrounds, 6)
    assert sum(read(one.picture) == one.text for one in made) >= 5
    blurred = [prepare(one.picture, Degradation("gaussian", 4)).given for one in made]
    assert not any(read(picture) for picture in blurred)
    assert read(backgrounds[0]) == ""


def test_a_seed_always_gives_the_same_scene_and_another_seed_another(backgrounds):
    behind = backgrounds[0][:SIDE, :SIDE]
    first, again, other = (scene(behind, seed, 4) for seed in (3, 3, 4))
    assert first.picture.shape == (SIDE, SIDE, 3)
    assert np.array_equal(first.picture, again.picture)
    assert first.text == again.text != other.text
    assert np.abs(first.picture.astype(int) - behind).max() > 50, "the code is on the picture"


def test_a_picture_too_small_for_a_code_is_named(folder, monkeypatch, capsys):
    write_png(textured_picture(90, 120, 5), folder / "small.png")
    said = run(monkeypatch, capsys, folder, "--codes", 2, "--methods", FAST, "--device", "cpu")
    assert f"small.png: a background must be at least {SIDE}x{SIDE}, not 120x90" in said


def test_a_kind_named_twice_has_all_of_its_strengths():
    found = reading.blurs(["gaussian=1.6,0.8", "motion=8", "gaussian=3,0.8"])
    assert {kind: [one.strength for one in each] for kind, each in found.items()} == {"gaussian": [0.8, 1.6, 3], "motion": [8]}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_background_meets_every_size_of_modules(count, backgrounds):
    behind = [np.full((SIDE, SIDE, 3), 40 * i, np.uint8) for i in range(count)]
    made = scenes(behind, count * len(MODULES))
    assert {(i % count, one.module) for i, one in enumerate(made)} == {(i, size) for i in range(count) for size in MODULES}


def test_what_cannot_be_made_is_refused_with_a_sentence(backgrounds):
    with pytest.raises(ReadingError, match=rf"at least {SIDE}x{SIDE}, not 200x100"):
        scene(backgrounds[0][:100], 0, 4)
    with pytest.raises(ReadingError, match="does not fit"):
        scene(backgrounds[0], 0, 9)
    with pytest.raises(ReadingError, match="at least one code"):
        scenes(backgrounds, 0)


# the benchmark


def test_one_command_prints_tables_and_writes_what_the_page_reads(folder, tmp_path, monkeypatch, capsys):
    words = [folder, "--codes", 4, "--strengths", "gaussian=3,0.8", "motion=8", "--methods", FAST, "--device", "cpu"]
    words += ["--records", tmp_path / "kept", "--out", tmp_path / "out"]
    printed = run(monkeypatch, capsys, *words)
    about = json.loads((tmp_path / "out" / "reading.json").read_text(encoding="utf-8"))
    assert about["command"].startswith("python benchmarks/reading.py behind --codes 4 --strengths gaussian=3,0.8 motion=8")
    assert about["pictures"] == {"folder": "QR codes pasted on behind", "count": 4}
    assert about["checkpoints"] == {FAST: sha256(methods.checkpoint(FAST))}
    gaussian = about["curves"]["gaussian"]
    assert gaussian["strengths"] == [0.8, 3.0]
    made = scenes([textured_picture(190, 200, seed) for seed in range(2)], 4)
    for strength, share in zip(gaussian["strengths"], gaussian["shares"]["input"], strict=True):
        right = [read(prepare(one.picture, Degradation("gaussian", strength)).given) == one.text for one in made]
        assert share == sum(right) / 4
    assert gaussian["shares"]["input"][0] > gaussian["shares"]["input"][1]
    assert about["sharp"] == sum(read(one.picture) == one.text for one in made) / 4
    assert len(about["curves"]["motion"]["shares"][FAST]) == 1
    assert f"| blurred | {gaussian['shares']['input'][0]:.0%} |" in printed
    svg = (tmp_path / "out" / "reading.svg").read_bytes()
    assert b"<svg" in svg[:600]
    assert len(svg) < 150_000
    for text in (svg, json.dumps(about).encode()):
        assert str(tmp_path).encode() not in text

    monkeypatch.setattr(machines, "compare", None)  # what is known is not restored again
    assert run(monkeypatch, capsys, *words) == printed
    assert (tmp_path / "out" / "reading.svg").read_bytes() == svg


def test_only_what_a_replaced_checkpoint_restores_is_judged_again(backgrounds, tmp_path, monkeypatch):
    asked, old = [], sha256(methods.checkpoint(FAST))

    def judge(picture):
        asked.append(picture)
        return {"brightness": float(picture.mean())}

    sharp, blur = backgrounds[0][:64, :64], Degradation("gaussian", 1.6)
    records = Records(tmp_path)
    trial = machines.Trial({FAST: old}, "a machine", records, "cpu")
    first = machines.verdicts(trial, sharp, blur, judge)
    assert [first["input"]["brightness"], first[FAST]["brightness"]] == [picture.mean() for picture in asked]
    assert np.array_equal(asked[0], prepare(sharp, blur).given)
    assert not np.array_equal(asked[1], asked[0]), "the method's picture, not its input"
    records.close()
    records = Records(tmp_path)
    assert machines.verdicts(machines.Trial({FAST: old}, "a machine", records, "cpu"), sharp, blur, judge) == first
    assert len(asked) == 2
    new = replaced(tmp_path / "checkpoints", monkeypatch)
    machines.verdicts(machines.Trial({FAST: new}, "a machine", records, "cpu"), sharp, blur, judge)
    assert len(asked) == 3
    machines.verdicts(machines.Trial({FAST: new}, "another machine", records, "cpu"), sharp, blur, judge)
    assert len(asked) == 5
    records.close()


def test_a_checkpoint_that_is_replaced_midway_is_refused_and_nothing_of_it_is_kept(backgrounds, tmp_path, monkeypatch):
    trial = machines.Trial(machines.same_size_methods(FAST), "a machine", Records(tmp_path), "cpu")
    replaced(tmp_path / "checkpoints", monkeypatch)
    with pytest.raises(machines.MachineError, match=r"srnet\.safetensors was replaced while the benchmark ran"):
        machines.verdicts(trial, backgrounds[0][:64, :64], Degradation("gaussian", 1.6), lambda picture: {"judged": 1.0})
    trial.records.close()
    kept = (tmp_path / "records.jsonl").read_text().splitlines()
    assert [json.loads(line)["method"] for line in kept] == ["input"]


def test_every_picture_is_shaken_along_a_path_of_its_own():
    shaken = [machines.of_picture(Degradation("motion", 15, seed=2), place) for place in range(3)]
    assert [one.seed for one in shaken] == [2, 3, 4]
    assert machines.of_picture(Degradation("gaussian", 2), 5) == Degradation("gaussian", 2)


def test_all_means_every_trained_method_that_keeps_the_size():
    found = machines.same_size_methods("all")
    assert list(found) == [key for key, one in methods.METHODS.items() if one.takes == "same" and methods.checkpoint(key)]
    assert found[FAST] == sha256(methods.checkpoint(FAST))


def test_a_strength_that_a_method_was_not_trained_for_is_marked(monkeypatch):
    monkeypatch.setattr(methods, "card", lambda key: {"trained_for": [{"kind": "gaussian", "low": 0.8, "high": 3.0}]})
    curve = {"parameter": "sigma", "unit": "px", "strengths": [1.6, 3.6], "shares": {"input": [0.5, 0.25], FAST: [0.75, 0.5]}}
    trial = machines.Trial({FAST: "its SHA-256"}, "a machine", Records())
    curve["trained"] = {FAST: [trial.trained(FAST, Degradation("gaussian", s)) for s in curve["strengths"]]}
    about = {"methods": {"input": "blurred", FAST: "SR"}, "sharp": 1.0, "reader": "R", "codes": {"count": 4}}
    printed = reading.tables({**about, "curves": {"gaussian": curve}})
    assert "| blurred | 50% | 25% |" in printed
    assert "| SR | 75% | 50%* |" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--methods", "bicubic"], "Bicubic enlarges four times"),
        (["--methods", "sharpest"], "unknown method 'sharpest'"),
        (["--strengths", "x4-bicubic=1"], "names no blur that has a strength: choose from gaussian, motion, defocus"),
        (["--strengths", "gaussian=soft"], "is not KIND=NUMBER,NUMBER"),
        (["--strengths", "gaussian=90"], "out of range"),
        (["--codes", "0"], "at least one code"),
    ],
)
def test_what_cannot_be_asked_for_is_one_sentence(words, said, folder, tmp_path, monkeypatch, capsys):
    sentence = run(monkeypatch, capsys, folder, *words, "--records", tmp_path / "kept", "--out", tmp_path / "out")
    assert sentence.startswith("reading.py: ")
    assert said in sentence
    assert "\n" not in sentence
    assert not (tmp_path / "out").exists()


def test_a_method_without_weights_is_refused_by_name_and_left_out_of_all(tmp_path, monkeypatch):
    monkeypatch.setattr(methods, "CHECKPOINTS", tmp_path)
    with pytest.raises(machines.MachineError, match="SR-NET has no checkpoint here"):
        machines.same_size_methods(FAST)
    with pytest.raises(machines.MachineError, match="no method that keeps the size has weights"):
        machines.same_size_methods("all")
