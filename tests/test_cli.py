"""The command line, as a user types it."""

import errno
import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, textured_picture
from typer.testing import CliRunner

from lab.cli import app
from lab.images import read_picture, write_png
from lab.methods import METHODS
from lab.metrics import measure


def lab(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def picture(tmp_path):
    return write_png(textured_picture(70, 90), tmp_path / "picture.png")


def test_python_m_lab_lists_its_commands():
    done = subprocess.run([sys.executable, "-m", "lab", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for command in ("methods", "compare", "benchmark", "score", "weights", "metrics", "train"):
        assert command in done.stdout


def test_methods_lists_the_whole_catalogue():
    entries = json.loads(lab("methods", "--json").stdout)
    assert [entry["key"] for entry in entries] == list(METHODS)
    assert {"key", "name", "kind", "parameters", "trained_for", "checkpoint"} <= set(entries[0])
    text = lab("methods").stdout
    assert all(key in text for key in METHODS)


def test_compare_writes_every_picture_and_the_figures_of_exactly_those_pictures(picture, tmp_path):
    out = tmp_path / "out"
    done = lab("compare", picture, "--methods", "bicubic,espcn,nonbn-resg-l", "--out", out, "--crop", "10,20,32,24", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads((out / "results.json").read_text())
    assert json.loads(done.stdout) == report
    assert report["crop"] == [10, 20, 32, 24]
    assert [one["method"] for one in report["results"]] == ["bicubic", "espcn", "nonbn-resg-l"]
    sharp = read_picture(picture)
    for one in report["results"]:
        assert {"method", "image", "seconds", "given", "in_domain", "checkpoint", "metrics"} <= set(one)
        result = read_picture(out / one["image"])
        for key, figure in one["metrics"].items():
            assert figure["convention"] == "sr"
            assert figure["value"] == measure(key, result, sharp, convention="sr", border=4).value
    for name in ("input.png", "reference.png", "crops.png", "given.png", "espcn.gradient.png", "reference.gradient.png"):
        assert (out / name).is_file()
    np.testing.assert_array_equal(read_picture(out / "reference.png"), sharp)


def test_compare_takes_a_picture_that_is_blurred_already_in_both_sizes(picture, tmp_path):
    for output, size in (("same", (70, 90)), ("x4", (280, 360))):
        out = tmp_path / output
        done = lab("compare", picture, "--degradation", "none", "--output", output, "--methods", "bicubic,resg", "--out", out)
        assert done.exit_code == 0, done.output
        assert read_picture(out / "resg.png").shape[:2] == size
        figure = json.loads((out / "results.json").read_text())["results"][0]["metrics"]["psnr"]
        assert figure["value"] is None
        assert figure["note"]
        assert not (out / "reference.png").exists()


def test_compare_says_once_why_figures_are_missing(small_models, picture, tmp_path):
    words = ["compare", picture, "--methods", "bicubic,nearest", "--metrics", "psnr,niqe", "--out", tmp_path / "out"]
    stderr = lab(*words).stderr.splitlines()
    assert [line for line in stderr if "NIQE" in line] == [
        "NIQE needs two blocks of 96x96 pixels; the measured part of the picture is 82x62 once 4 pixels are cut from every side."
    ]
    assert sum("quarter of the size" in line for line in stderr) == 1


def test_compare_of_a_flat_picture_writes_valid_json_though_psnr_is_infinite(tmp_path):
    flat = write_png(np.full((64, 64, 3), 90, np.uint8), tmp_path / "flat.png")
    done = lab("compare", flat, "--methods", "bicubic", "--out", tmp_path / "out", "--json")

    def no_constants(name):
        raise AssertionError(f"{name} is not JSON")

    report = json.loads(done.stdout, parse_constant=no_constants)
    assert "identical" in report["results"][0]["metrics"]["psnr"]["note"]


def test_a_method_that_fails_is_reported_and_the_exit_code_says_so(picture, tmp_path):
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"nothing")
    words = ["compare", picture, "--methods", "bicubic,srgan", "--weights", f"srgan={broken}", "--out", tmp_path / "out"]
    done = lab(*words)
    assert done.exit_code == 1
    report = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [one["method"] for one in report["results"]] == ["bicubic"]
    assert report["failed"][0]["method"] == "srgan"
    assert "broken.pth" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--methods", "edsr"], "unknown method 'edsr'"),
        (["--methods", ","], "no methods are named"),
        (["--metrics", "beauty"], "unknown metric 'beauty': choose from psnr"),
        (["--degradation", "fog"], "unknown degradation 'fog'"),
        (["--degradation", "gaussian:sigma=99"], "give sigma from"),
        (["--output", "x4"], "--output x4 goes with --degradation none"),
        (["--crop", "1,2,3"], "is not x,y,w,h"),
        (["--crop", "80,0,32,32"], "does not lie in the 90x70 result"),
        (["--weights", "srgan"], "is not METHOD=FILE"),
        (["--methods", "bicubic", "--weights", "srgan=x.pth"], "--weights names srgan, which is not among --methods"),
    ],
)
def test_wrong_words_get_one_sentence_and_exit_code_2(picture, tmp_path, words, sentence):
    done = lab("compare", picture, "--out", tmp_path / "out", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith("lab: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_not_a_picture_gets_one_sentence(tmp_path):
    fake = tmp_path / "notes.png"
    fake.write_text("these are notes")
    for path in (fake, tmp_path / "gone.png", tmp_path):
        done = lab("compare", path, "--out", tmp_path / "out")
        assert done.exit_code == 2
        assert done.stderr.startswith("lab: ")
        assert "Traceback" not in done.output


def test_an_output_folder_that_cannot_be_made_gets_one_sentence(picture):
    done = lab("compare", picture, "--methods", "nearest", "--out", picture / "out")
    assert done.exit_code == 2
    assert "cannot use" in done.stderr


def test_a_full_disk_gets_one_sentence(picture, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lab.images.write_png", full)
    done = lab("compare", picture, "--methods", "nearest", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == "lab: No space left on device."


def test_weights_check_says_what_a_file_is(tmp_path):
    from lab.methods import checkpoint

    info = json.loads(lab("weights", "check", checkpoint("espcn"), "--json").stdout)
    assert info["scale"] == 4
    assert info["parameters"] == 24752
    assert "24,752" in lab("weights", "check", checkpoint("espcn")).stdout
    (tmp_path / "x.pth").write_bytes(b"PK")
    done = lab("weights", "check", tmp_path / "x.pth")
    assert done.exit_code == 2
    assert "x.pth" in done.stderr


def test_benchmark_prints_means_over_a_folder(picture_folder):
    folder = picture_folder / "set0"
    report = json.loads(lab("benchmark", folder, "--methods", "nearest,bicubic", "--json").stdout)
    for key in ("nearest", "bicubic"):
        column = [values[key]["psnr"] for values in report["pictures"].values()]
        assert len(column) == 10
        assert report["mean"][key]["psnr"] == pytest.approx(np.mean(column))
    assert report["mean"]["input"]["psnr"] is None
    text = lab("benchmark", folder, "--methods", "bicubic", "--degradation", "gaussian:sigma=1").stdout
    assert "input" in text
    assert "gaussian:sigma=1" in text


def test_benchmark_names_what_it_cannot_read(tmp_path):
    assert "there are no pictures" in lab("benchmark", tmp_path).stderr
    (tmp_path / "bad.png").write_text("no picture")
    assert "bad.png" in lab("benchmark", tmp_path, "--methods", "nearest").stderr


def test_bicubic_on_set5_is_printed_as_published(data):
    report = json.loads(lab("benchmark", data / "benchmark" / "Set5", "--methods", "bicubic", "--json").stdout)
    assert report["mean"]["bicubic"]["psnr"] == pytest.approx(28.42, abs=0.03)
    assert report["mean"]["bicubic"]["ssim"] == pytest.approx(0.810, abs=0.002)


def test_train_trains_exports_and_refuses_to_run_over_a_run(picture_folder, tmp_path):
    out = tmp_path / "run"
    words = ["train", "espcn", "--data", picture_folder, "--out", out, "--steps", "2", "--device", "cpu"]
    done = lab(*words)
    assert done.exit_code == 0, done.output
    assert (out / "espcn.safetensors").is_file()
    again = lab(*words)
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    assert "not both" in lab(*words, "--minutes", "1").stderr
    assert "no recipe 'edsr'" in lab("train", "edsr").stderr
