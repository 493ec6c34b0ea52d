"""benchmarks/deblurring.py: what every method gains on blurs of several strengths."""

import json
import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
import torch
from conftest import ROOT, textured_picture
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from benchmarks import deblurring, deblurring_curves
from benchmarks.deblurring_blurs import Blur, read_blurs
from benchmarks.deblurring_page import gain, page, tables
from benchmarks.pages import command_text, sentences
from lab import weights
from lab.benchmark import BenchmarkError, Job, run
from lab.degrade import Degradation, DegradationError
from lab.digests import sha256
from lab.errors import LabError
from lab.images import write_png
from lab.methods import METHODS, card, checkpoint, in_domain
from lab.networks import build

SIZE_KEEPERS = ["deblurgan", "srnet", "stackedg", "resg", "nonbn-resg", "nonbn-resg-l"]
TRAINED = [{"kind": "motion", "low": 5, "high": 25}]


@pytest.fixture
def folder(tmp_path):
    """Four small sharp pictures."""
    for i in range(4):
        write_png(textured_picture(48, 56 + i, seed=i), tmp_path / "Sharp" / f"{i}.png")
    return tmp_path / "Sharp"


@pytest.fixture
def own_checkpoints(tmp_path, monkeypatch):
    """Two small random networks in place of the shipped ones."""
    monkeypatch.setattr("lab.methods.CHECKPOINTS", tmp_path / "checkpoints")
    for seed, key in enumerate(("resg", "nonbn-resg")):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = build("resg", kind=key, width=8, blocks=1)
        about = {"name": f"{METHODS[key].name}, tiny", "stage": "never", "trained_for": TRAINED}
        weights.save(network, tmp_path / "checkpoints" / f"{key}.safetensors", about)
    return tmp_path / "checkpoints"


def motion(*strengths):
    return Blur("motion", tuple(Degradation("motion", one) for one in strengths), True)


def table_rows(text):
    """{first cell: the others} of the first table of a Markdown text."""
    lines = next(line for line in text.split("\n\n") if line.startswith("|")).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows}


def made_up(psnr, in_domain, blurred=20.0):
    """What `measure` gives, with made-up figures: method -> PSNR at each strength, method -> whether it was trained for each."""
    strengths = [
        {
            "degradation": f"motion:length={length}",
            "strength": length,
            "in_domain": {key: flags[i] for key, flags in in_domain.items()},
            "mean": {"input": {"psnr": blurred}} | {key: {"psnr": values[i]} for key, values in psnr.items()},
            "failed": {},
        }
        for i, length in enumerate((8, 35))
    ]
    about = {"checkpoint_sha256": "ab" * 32, "stage": "", "differs": "", "trained_for": TRAINED}
    return {
        "command": "python benchmarks/deblurring.py Sharp",
        "pictures": {"folder": "Sharp", "count": 2, "of": 4, "skipped": {"bad.png": "it is no picture."}},
        "conventions": ["rgb"],
        "columns": {"psnr": {"metric": "psnr", "convention": "rgb"}},
        "methods": {key: about | {"name": METHODS[key].name} for key in psnr},
        "blurs": {"motion": {"seed_by_picture": True, "strengths": strengths}},
    }


def test_one_command_writes_page_figures_and_curves_and_names_no_place_of_this_machine(folder, tmp_path):
    blurs = tmp_path / "few.yaml"
    blurs.write_text("blurs: {motion: {strengths: [35, 8], seed_by_picture: true}, gaussian: {strengths: [1.6]}}")
    out, assets, records = tmp_path / "made" / "page.md", tmp_path / "paper", tmp_path / "kept"
    words = [str(folder), "--pictures", "2", "--methods", "srnet,resg", "--blurs", str(blurs), "--device", "cpu"]
    places = ["--records", str(records), "--out", str(out), "--assets", str(assets)]
    command = [sys.executable, "benchmarks/deblurring.py", *words, *places]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "motion:length=8, 2 of 2: Sharp/2.png" in done.stderr
    text, data = out.read_text(encoding="utf-8"), json.loads((assets / "deblurring.json").read_text(encoding="utf-8"))
    for written in (text, json.dumps(data)):
        assert "python benchmarks/deblurring.py Sharp --pictures 2 --methods srnet,resg" in written
        assert str(tmp_path) not in written
        assert str(ROOT) not in written
    assert data["pictures"] == {"folder": "Sharp", "count": 2, "of": 4, "skipped": {}}
    assert data["checkpoints"] == {key: sha256(checkpoint(key)) for key in ("srnet", "resg")}
    assert [one["degradation"] for one in data["blurs"]["motion"]["strengths"]] == ["motion:length=8", "motion:length=35"]
    for kind in ("motion", "gaussian"):
        file = assets / "curves" / f"{kind}.svg"
        assert ElementTree.parse(file).getroot().tag.endswith("svg")
        assert file.stat().st_size < 150_000
        assert f"](../paper/curves/{kind}.svg)" in text
        assert tables(data, kind) in text
        assert tables(data, kind) in done.stdout


def test_figures_are_the_benchmarks_own_and_each_picture_has_its_path(folder, tmp_path, own_checkpoints):
    blurs = [motion(6.0), Blur("gaussian", (Degradation("gaussian", 1.6),), False)]
    data = deblurring.measure(folder, blurs, ["resg", "nonbn-resg"], "it", "cpu", tmp_path / "kept", at_most=2)
    for kind, seeded in (("motion", True), ("gaussian", False)):
        (one,) = data["blurs"][kind]["strengths"]
        degradation = Degradation(kind, one["strength"])
        job = Job(["resg"], degradation, ["psnr"], ["rgb", "sr"], device="cpu", seed_by_picture=seeded)
        expected = run([folder], job, at_most=2).as_json()["mean"]
        for method in ("input", "resg"):
            assert one["mean"][method].items() >= expected[method].items()
        assert set(one["mean"]["resg"]) == {"psnr", "ssim", "psnr-sr", "ssim-sr"}
        assert one["in_domain"] == {"resg": seeded, "nonbn-resg": seeded}
    records = (tmp_path / "kept" / "records.jsonl").read_text()
    assert {json.loads(line)["degradation"] for line in records.splitlines()} == {
        "motion:length=6", "motion:length=6,seed=2", "gaussian:sigma=1.6",
    }, "two of four pictures: the first and the third, each by its place"  # fmt: skip
    again = deblurring.measure(folder, blurs, ["resg", "nonbn-resg"], "it", "cpu", tmp_path / "kept", at_most=2)
    assert again == data
    assert (tmp_path / "kept" / "records.jsonl").read_text() == records, "nothing was measured twice"


def test_the_same_figures_give_the_same_files(tmp_path):
    data = made_up({"resg": [21.0, 19.5]}, {"resg": [True, False]})
    files = [deblurring.write(data, tmp_path / name / "page.md", tmp_path / name / "paper") for name in ("one", "two")]
    assert [path.name for path in files[0]] == ["page.md", "deblurring.json", "motion.svg"]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_a_table_shows_gains_the_greatest_bold_and_untrained_ones_in_italics():
    data = made_up({"resg": [22.0, 20.25], "nonbn-resg": [21.0, 19.5]}, {"resg": [True, False], "nonbn-resg": [True, True]})
    rows = table_rows(tables(data, "motion"))
    assert rows["method"] == ["length 8, RGB", "length 35, RGB"]
    assert rows["blurred"] == ["20.00", "20.00"]
    assert rows["ResG"] == ["**+2.00**", "***+0.25***"]
    assert rows["NonBN-ResG"] == ["+1.00", "-0.50"]


def test_a_missing_figure_is_a_dash_and_no_gain():
    data = made_up({"resg": [None, 21.0]}, {"resg": [True, False]})
    data["blurs"]["motion"]["strengths"][0]["failed"] = {"3.png": {"resg": "there was not enough memory."}}
    assert table_rows(tables(data, "motion"))["ResG"] == ["-", "***+1.00***"]
    assert gain(data["blurs"]["motion"]["strengths"][0], "resg", "psnr") is None
    text = page(data, {"motion": "motion.svg"})
    assert "Without figures: ResG on 3.png, motion:length=8: there was not enough memory." in text
    assert "bad.png is left out: it is no picture." in text
    assert "Means over 2 of the 4 pictures of Sharp" in text
    assert table_rows(text.split("## What was measured")[1])["ResG"] == ["abababababab", "-", "5 to 25 px", "-"]


def test_curves_show_gains_filled_where_training_covers_them_and_a_bar_over_the_trained_range(tmp_path):
    data = made_up({"resg": [22.0, None], "srnet": [19.0, 20.5]}, {"resg": [True, False], "srnet": [False, False]})
    data["methods"]["srnet"]["trained_for"] = [{"kind": "x4-bicubic"}]
    axis, below = Figure().subplots(2)
    deblurring_curves._curves(axis, data, "motion", "rgb")
    points = {(line.get_color(), *(float(z[0]) for z in line.get_data())): to_hex(line.get_markerfacecolor())
              for line in axis.lines if len(line.get_xdata()) == 1}  # fmt: skip
    resg, srnet, hollow = METHODS["resg"].color, METHODS["srnet"].color, to_hex("white")
    seen = {key: face for key, face in points.items() if not math.isnan(key[2])}
    assert seen == {(resg, 8, 2.0): resg, (srnet, 8, -1.0): hollow, (srnet, 35, 0.5): hollow}
    deblurring_curves._ranges(below, data, "motion")
    bars = {line.get_color(): list(line.get_xdata()) for line in below.lines if len(line.get_xdata()) == 2}
    assert bars == {resg: [5, 25]}
    assert [text.get_text() for text in below.texts] == ["ResG: trained for 5 to 25 px", "SR-NET: not trained for this blur"]


def test_the_shipped_blurs_are_three_three_and_two_within_training_but_for_the_longest_path():
    blurs = {blur.kind: blur for blur in read_blurs(ROOT / "benchmarks" / "deblurring.yaml")}
    assert {kind: blur.seed_by_picture for kind, blur in blurs.items()} == {"motion": True, "gaussian": False, "defocus": False}
    assert [one.strength for one in blurs["gaussian"].degradations] == [1.0, 1.6, 2.4]
    assert [one.strength for one in blurs["defocus"].degradations] == [2, 4]
    for key in deblurring.chosen(None):
        if key != "srnet":
            covered = [in_domain(one, card(key)["trained_for"]) for blur in blurs.values() for one in blur.degradations]
            assert covered == [True, True, False, True, True, True, True, True]


def test_methods_that_keep_the_size_run_where_none_are_named(own_checkpoints):
    assert deblurring.chosen(None) == ["resg", "nonbn-resg"], "SIZE_KEEPERS without a checkpoint are left out"
    assert [key for key, method in METHODS.items() if method.takes == "same"] == SIZE_KEEPERS


def test_a_command_is_named_without_this_machines_folders():
    words = ["/data/BSD100", "--pictures", "5", "--out=/home/me/page.md", "--methods=resg"]
    assert command_text("it.py", words) == "python benchmarks/it.py BSD100 --pictures 5 --out=page.md --methods=resg"


def test_an_error_that_names_no_file_is_one_sentence():
    with pytest.raises(SystemExit, match=r"^it\.py: No space left on device\.$"), sentences("it.py"):
        raise OSError(28, "No space left on device")


def test_a_run_that_is_stopped_ends_with_a_sentence_and_the_status_of_an_interrupt(capsys):
    with pytest.raises(SystemExit) as ended, sentences("it.py"):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert capsys.readouterr().err == "it.py: stopped.\n"


def test_a_method_that_fails_on_every_picture_is_refused(folder, own_checkpoints):
    weights_file = own_checkpoints / "resg.safetensors"
    weights_file.write_bytes(weights_file.read_bytes()[:5000])
    with pytest.raises(BenchmarkError, match=r"^ResG, tiny has no figure at all: "):
        deblurring.measure(folder, [motion(9)], ["resg", "nonbn-resg"], "it", "cpu")


def test_gains_that_are_shown_alike_are_both_the_greatest():
    data = {
        "conventions": ["rgb"],
        "columns": {"psnr": {"metric": "psnr", "convention": "rgb"}},
        "methods": {key: {"name": key} for key in ("resg", "nonbn-resg", "nonbn-resg-l")},
        "blurs": {"gaussian": {"strengths": [{
            "strength": 1.6, "in_domain": dict.fromkeys(("resg", "nonbn-resg", "nonbn-resg-l"), True),
            "mean": {"input": {"psnr": 20.0}, "resg": {"psnr": 22.611}, "nonbn-resg": {"psnr": 22.632},
                     "nonbn-resg-l": {"psnr": 22.628}},
        }]}},
    }  # fmt: skip
    rows = table_rows(tables(data, "gaussian"))
    assert [rows[key] for key in ("resg", "nonbn-resg", "nonbn-resg-l")] == [["+2.61"], ["**+2.63**"], ["**+2.63**"]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("blurs: {fog: {strengths: [1]}}", "unknown degradation 'fog'"),
        ("blurs: {gaussian: {strengths: [1, 99]}}", "sigma=99 is out of range"),
        ("blurs: {x4-bicubic: {strengths: [4]}}", "names x4-bicubic, which changes the size"),
        ("blurs: {gaussian: {strengths: []}}", "what it says of gaussian is not so"),
        ("blurs: {gaussian: {strengths: [strong]}}", "what it says of gaussian is not so"),
        ("blurs: {motion: {strengths: [9], seed_by_picture: 3}}", "what it says of motion is not so"),
        ("blurs: {motion: {strengths: [9], seed_by_pictures: true}}", "as deblurring.yaml does: it knows no seed_by_pictures."),
        ("blurs: {}", "plan.yaml must say `blurs:"),
        ("blurs: [gaussian]", "plan.yaml must say `blurs:"),
        ("blurs: {gaussian", "plan.yaml must say `blurs:"),
        ("", "plan.yaml must say `blurs:"),
    ],
)
def test_blurs_that_cannot_be_made_get_one_sentence(tmp_path, text, sentence):
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(LabError) as said:
        read_blurs(tmp_path / "plan.yaml")
    assert sentence in str(said.value)
    assert "\n" not in str(said.value)
    assert isinstance(said.value, DegradationError) == sentence.startswith(("unknown", "sigma"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{tmp}/gone"], "there is no folder"),
        (["{folder}", "--methods", "edsr"], "unknown method 'edsr'"),
        (["{folder}", "--pictures", "0"], "at least one picture, not 0"),
        (["{folder}", "--blurs", "{tmp}/gone.yaml"], "cannot use"),
        (["{folder}", "--methods", "deblurgan"], "DeblurGAN has no checkpoint here"),
    ],
)
def test_what_makes_no_benchmark_gets_one_sentence_and_writes_nothing(
    folder, tmp_path, own_checkpoints, monkeypatch, words, sentence
):
    places = ["--records", tmp_path / "kept", "--out", tmp_path / "page.md", "--assets", tmp_path / "paper"]
    words = [word.format(folder=folder, tmp=tmp_path) for word in words]
    monkeypatch.setattr(sys, "argv", ["deblurring.py", *words, *map(str, places)])
    with pytest.raises(SystemExit) as ended:
        deblurring.main()
    assert str(ended.value.code).startswith("deblurring.py: ")
    assert sentence in ended.value.code
    assert "\n" not in ended.value.code
    assert not (tmp_path / "page.md").exists()
    assert not (tmp_path / "paper").exists()
