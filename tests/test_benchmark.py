"""python -m lab benchmark: what it measures, what it writes, and how it goes on where it was ended."""

import csv
import io
import json
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, textured_picture
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from lab import compare as comparing
from lab.benchmark import BenchmarkError, Job, Scored, Skipped, collect, mean, run, score, scoring
from lab.benchmark.columns import columns
from lab.benchmark.files import convention_lines, to_csv, to_json, to_latex, to_markdown
from lab.benchmark.records import Key, Records, Row
from lab.benchmark.running import Processes
from lab.cards import read_card
from lab.cli import app
from lab.compare import Finished, compare, prepare
from lab.degrade import MAX_SEED, Degradation
from lab.images import read_picture, write_png
from lab.methods import checkpoint
from lab.metrics import measure

X4 = Degradation("x4-bicubic")
BLUR = Degradation("gaussian", 2.0)
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def lab(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def reported(*words):
    done = lab("benchmark", *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def change(weights):
    """Write a weights file anew, its values a little smaller."""
    with safe_open(weights, "pt") as file:
        about = file.metadata()
    save_file({name: value * 0.9 for name, value in load_file(weights).items()}, weights, about)


@pytest.fixture
def folder(tmp_path):
    """Three small sharp pictures."""
    for i in range(3):
        write_png(textured_picture(48 + i, 57, seed=i), tmp_path / "small" / f"{i}.png")
    return tmp_path / "small"


@pytest.fixture
def restored(monkeypatch):
    """The methods that were run, in order, while the test goes on."""
    ran, restore = [], comparing.restore

    def counted(key, *arguments):
        ran.append(key)
        return restore(key, *arguments)

    monkeypatch.setattr(comparing, "restore", counted)
    return ran


def test_one_inference_is_measured_in_both_conventions(folder, restored):
    report = reported(folder, "--methods", "bicubic,espcn", "--metrics", "psnr,gradient-ratio")
    assert restored == ["bicubic", "espcn"] * 3
    assert report["conventions"] == ["sr", "rgb"]
    for name, rows in report["pictures"].items():
        picture = read_picture(folder / name)
        sharp = picture[: picture.shape[0] // 4 * 4, : picture.shape[1] // 4 * 4]
        for event in compare(prepare(sharp, X4), ["bicubic", "espcn"], ()):
            if isinstance(event, Finished):
                for key in ("psnr", "gradient-ratio"):
                    for convention, suffix in (("sr", ""), ("rgb", "-rgb")):
                        expected = measure(key, event.picture, sharp, convention).value
                        assert rows[event.method][key + suffix] == expected
                        assert report["columns"][key + suffix]["convention"] == convention
    for method in ("bicubic", "espcn"):
        column = [rows[method]["psnr-rgb"] for rows in report["pictures"].values()]
        assert report["mean"][method]["psnr-rgb"] == pytest.approx(np.mean(column))


def test_one_convention_alone_has_the_plain_names(folder):
    both = reported(folder, "--methods", "bicubic")
    for convention, suffix in (("sr", ""), ("rgb", "-rgb")):
        alone = reported(folder, "--methods", "bicubic", "--convention", convention)
        assert alone["convention"] == convention
        assert set(alone["mean"]["bicubic"]) == {"psnr", "ssim"}
        assert alone["mean"]["bicubic"]["psnr"] == both["mean"]["bicubic"]["psnr" + suffix]


def test_what_is_the_same_in_both_conventions_is_one_column(small_models, folder):
    report = reported(folder, "--methods", "bicubic", "--metrics", "lpips,ssim")
    assert list(report["mean"]["bicubic"]) == ["lpips", "ssim", "ssim-rgb"]
    assert report["columns"]["lpips"]["convention"] == "sr and rgb"
    assert report["columns"]["lpips"]["variant"] == "lab"
    assert report["columns"]["lpips"]["name"] == "LPIPS-lab"


def test_a_blur_at_full_size_has_the_figures_of_the_input(folder):
    report = reported(folder, "--methods", "resg", "--degradation", "gaussian:sigma=2")
    sharp = read_picture(folder / "0.png")[:48, :56]
    blurred = prepare(sharp, BLUR).given
    assert report["pictures"]["0.png"]["input"]["psnr"] == measure("psnr", blurred, sharp).value
    assert report["mean"]["input"]["psnr-rgb"] is not None


def test_sets_have_means_of_their_own(folder, tmp_path):
    other = tmp_path / "other"
    write_png(textured_picture(60, 40, seed=9), other / "x.png")
    report = reported(folder, other, "--methods", "bicubic")
    assert {name: entry["pictures"] for name, entry in report["sets"].items()} == {"small": 3, "other": 1}
    assert report["sets"]["other"]["mean"]["bicubic"] == report["pictures"]["other/x.png"]["bicubic"]
    weighted = (3 * report["sets"]["small"]["mean"]["bicubic"]["psnr"] + report["sets"]["other"]["mean"]["bicubic"]["psnr"]) / 4
    assert report["mean"]["bicubic"]["psnr"] == pytest.approx(weighted)
    text = lab("benchmark", folder, other, "--methods", "bicubic").stdout
    assert "small, 3 pictures, x4-bicubic, convention sr and rgb" in text
    assert "other, 1 picture, " in text


def test_a_picture_that_cannot_be_read_is_named_and_in_no_mean(folder, tmp_path):
    whole = reported(folder, "--methods", "bicubic")
    (folder / "bad.png").write_text("no picture")
    write_png(textured_picture(8, 9), folder / "tiny.png")
    done = lab("benchmark", folder, "--methods", "bicubic", "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "small/bad.png is skipped: This is not a picture" in done.stderr
    assert "small/tiny.png is skipped" in done.stderr
    assert "small, 3 pictures, x4-bicubic, convention sr and rgb; 2 skipped" in done.stdout
    report = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert set(report["skipped"]) == {"bad.png", "tiny.png"}
    assert report["mean"] == whole["mean"]


def test_a_method_that_fails_is_named_and_the_exit_code_says_so(folder, tmp_path):
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"nothing")
    done = lab("benchmark", folder, "--methods", "bicubic,srgan", "--weights", f"srgan={broken}", "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert set(report["failed"]) == {"0.png", "1.png", "2.png"}
    assert set(report["mean"]) == {"input", "bicubic"}
    assert done.stderr.count("broken.pth") == 1, "what is true of every picture is said once"


def test_a_figure_that_cannot_be_had_says_why_once(small_models, folder):
    done = lab("benchmark", folder, "--methods", "bicubic", "--metrics", "psnr,niqe", "--json")
    assert done.exit_code == 0
    assert done.stderr.count("NIQE needs two blocks") == 2, "once a convention, for all pictures"
    report = json.loads(done.stdout)
    assert report["mean"]["bicubic"]["niqe"] is None
    assert "NIQE needs two blocks" in report["columns"]["niqe"]["note"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{folder}", "--methods", "edsr"], "unknown method 'edsr'"),
        (["{folder}", "--metrics", "beauty"], "unknown metric 'beauty'"),
        (["{folder}", "--degradation", "fog"], "unknown degradation 'fog'"),
        (["{folder}", "{folder}"], "two folders are called 'small'"),
        (["{folder}", "--out", "{folder}/0.png"], "cannot use"),
        (["{folder}", "--methods", "espcn", "--weights", "espcn=gone.pth"], "gone.pth"),
        (["{tmp}/empty"], "there are no pictures in"),
        (["{tmp}/bad"], "none of the pictures can be used"),
        (["{tmp}/gone"], "there is no folder"),
    ],
)
def test_what_makes_no_benchmark_gets_one_sentence_before_anything_runs(folder, tmp_path, restored, words, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "bad.png").write_text("no picture")
    done = lab("benchmark", *(word.format(folder=folder, tmp=tmp_path) for word in words))
    assert done.exit_code == 2
    assert sentence in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("lab: ")
    assert not restored


# Some of a folder, and a seed of its own for each picture


def test_some_pictures_are_spread_evenly_over_a_folder_and_keep_their_places(folder):
    for i in range(3, 7):
        write_png(textured_picture(40, 40, seed=i), folder / f"{i}.png")
    assert [(one.name, one.place) for one in collect([folder], 3)] == [("0.png", 0), ("2.png", 2), ("4.png", 4)]
    assert collect([folder], 7) == collect([folder], 50) == collect([folder])
    assert [one.place for one in collect([folder])] == list(range(7))
    with pytest.raises(BenchmarkError, match="at least one picture, not 0"):
        collect([folder], 0)


def test_each_picture_has_a_camera_path_of_its_own_which_the_report_names(folder, tmp_path):
    for i in range(3):
        write_png(textured_picture(48, 56, seed=7), folder / f"{i}.png")
    shaken = Degradation("motion", 9.0, seed=4)
    alike = run([folder], Job([], shaken, ["psnr"], ["sr"])).as_json()
    assert len({rows["input"]["psnr"] for rows in alike["pictures"].values()}) == 1, "the pictures are the same"
    assert set(alike["degradations"].values()) == {"motion:length=9,seed=4"}
    report = run([folder], Job([], shaken, ["psnr"], ["sr"], seed_by_picture=True), tmp_path / "out")
    own = report.as_json()
    assert own["seed_by_picture"] is True
    assert list(own["degradations"].values()) == [f"motion:length=9,seed={seed}" for seed in (4, 5, 6)]
    assert len({rows["input"]["psnr"] for rows in own["pictures"].values()}) == 3
    sharp = read_picture(folder / "2.png")
    expected = measure("psnr", prepare(sharp, Degradation("motion", 9.0, seed=6)).given, sharp).value
    assert own["pictures"]["2.png"]["input"]["psnr"] == expected
    assert "motion:length=9,seed=4, a seed of its own for each picture" in to_markdown(report)
    again = run([folder], Job([], shaken, ["psnr"], ["sr"], seed_by_picture=True), tmp_path / "out", at_most=1)
    assert again.as_json()["pictures"] == {"0.png": own["pictures"]["0.png"]}
    assert len((tmp_path / "out" / "records.jsonl").read_text().splitlines()) == 3, "nothing was measured twice"


def test_a_seed_beyond_the_last_begins_again_at_0(folder):
    job = Job([], Degradation("motion", 9.0, seed=MAX_SEED), seed_by_picture=True)
    assert [job.degradation_of(one).seed for one in collect([folder])] == [MAX_SEED, 0, 1]


# The files


def test_csv_latex_and_markdown_say_what_json_says(folder, tmp_path):
    write_png(textured_picture(40, 40), folder / "under_score & more.png")
    out = tmp_path / "made" / "out"
    report = reported(folder, "--methods", "bicubic,espcn", "--out", out)
    assert json.loads((out / "benchmark.json").read_text()) == report
    rows = list(csv.DictReader(io.StringIO((out / "benchmark.csv").read_text())))
    assert list(rows[0]) == ["set", "picture", "method", "psnr (sr)", "ssim (sr)", "psnr (rgb)", "ssim (rgb)"]
    for row in rows:
        values = (report["mean"] if row["picture"] == "mean" else report["pictures"][row["picture"]])[row["method"]]
        for key, head in (("psnr", "psnr (sr)"), ("ssim-rgb", "ssim (rgb)")):
            assert (float(row[head]) if row[head] else None) == values[key]
    assert len(rows) == (4 + 1) * 3
    latex, markdown = (out / "benchmark.tex").read_text(), (out / "benchmark.md").read_text()
    psnr = f"{report['mean']['espcn']['psnr']:.2f}"
    assert rf"ESPCN & \textbf{{{psnr}}} & " in latex
    assert r"under\_score \& more.png & bicubic" in latex
    assert f"| ESPCN | {psnr} |" in markdown
    for text in (latex, markdown):
        assert "4 pixels cut from every side" in text
        assert "the whole picture" in text


def test_the_value_nearest_1_is_the_best_gradient_ratio(folder):
    job = Job(["bicubic", "espcn"], X4, ["gradient-ratio", "gradient-error"], ["sr"])
    report = run([folder], job)
    values = {method: {"gradient-ratio": ratio, "gradient-error": error} for method, ratio, error in
              (("bicubic", 0.9, 3), ("espcn", 1.2, 2))}  # fmt: skip
    scored = [replace(one, values=values) for one in report.scored]
    latex = to_latex(replace(report, scored=scored))
    assert r"Bicubic & \textbf{0.900} & 3.00" in latex
    assert r"ESPCN & 1.200 & \textbf{2.00}" in latex


def test_a_perfect_result_is_infinite_in_csv_and_null_in_json(tmp_path):
    flat = write_png(np.full((40, 40, 3), 90, np.uint8), tmp_path / "flat" / "flat.png")

    def no_constants(name):
        raise AssertionError(f"{name} is not JSON")

    for _ in range(2):  # measured, then read from the records
        report = run([flat.parent], Job(["bicubic"], X4, ["psnr"], ["sr"]), tmp_path / "out")
        assert report.scored[0].values["bicubic"]["psnr"] == math.inf
        assert json.loads(to_json(report), parse_constant=no_constants)["mean"]["bicubic"]["psnr"] is None
        assert "infinite for flat.png" in json.loads(to_json(report))["columns"]["psnr"]["note"]
        assert "flat,flat.png,bicubic,inf" in to_csv(report)
        assert "| flat.png | bicubic | inf |" in to_markdown(report)
    for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=no_constants)


# Going on


def test_the_same_command_measures_nothing_twice(folder, tmp_path, restored):
    words = [folder, "--methods", "bicubic,espcn", "--out", tmp_path / "out"]
    first = reported(*words)
    assert len(restored) == 6
    assert reported(*words) == first
    assert len(restored) == 6


def test_more_methods_and_metrics_measure_what_is_missing_alone(folder, tmp_path, restored):
    out = ["--out", tmp_path / "out"]
    first = reported(folder, "--methods", "bicubic", "--metrics", "psnr", *out)
    restored.clear()
    more = reported(folder, "--methods", "bicubic,srcnn", "--metrics", "psnr", *out)
    assert restored == ["srcnn"] * 3
    assert more["mean"]["bicubic"] == first["mean"]["bicubic"]
    restored.clear()
    again = reported(folder, "--methods", "bicubic,srcnn", "--metrics", "psnr,gmsd", *out)
    assert restored == ["bicubic", "srcnn"] * 3
    fresh = reported(folder, "--methods", "bicubic,srcnn", "--metrics", "psnr,gmsd")
    assert again == fresh


def test_a_new_checkpoint_is_measured_anew_and_nothing_else(folder, tmp_path, restored):
    weights = tmp_path / "mine.safetensors"
    shutil.copy(checkpoint("espcn"), weights)
    shutil.copy(checkpoint("espcn").with_suffix(".json"), weights.with_suffix(".json"))
    words = [folder, "--methods", "bicubic,espcn", "--weights", f"espcn={weights}", "--out", tmp_path / "out"]
    first = reported(*words)
    change(weights)
    restored.clear()
    second = reported(*words)
    assert restored == ["espcn"] * 3
    assert second["mean"]["bicubic"] == first["mean"]["bicubic"]
    assert second["mean"]["espcn"]["psnr"] != first["mean"]["espcn"]["psnr"]
    assert second["methods"]["espcn"]["checkpoint_sha256"] != first["methods"]["espcn"]["checkpoint_sha256"]


def test_another_picture_blur_or_model_is_measured_anew(small_models, folder, tmp_path, restored):
    words = [folder, "--methods", "bicubic", "--metrics", "lpips", "--out", tmp_path / "out"]
    first = reported(*words)
    restored.clear()
    write_png(textured_picture(48, 57, seed=8), folder / "0.png")
    assert reported(*words)["pictures"]["1.png"] == first["pictures"]["1.png"]
    assert restored == ["bicubic"]
    reported(*words, "--degradation", "gaussian:sigma=2")
    assert len(restored) == 4
    os.utime(small_models / "lab" / "lpips.safetensors", (1, 1))  # its file was written anew
    reported(*words)
    assert len(restored) == 7


def test_a_checkpoint_replaced_while_the_benchmark_runs_is_not_mixed_in(folder, tmp_path):
    weights = tmp_path / "mine.safetensors"
    shutil.copy(checkpoint("espcn"), weights)
    job = Job(["srcnn", "espcn"], X4, ["psnr"], ["sr"], weights={"espcn": weights})
    stream = score(collect([folder]), job)
    assert isinstance(next(stream), Scored)
    change(weights)
    with pytest.raises(BenchmarkError, match="replaced while the benchmark ran"):
        list(stream)


def test_what_is_said_of_a_checkpoint_is_what_its_card_said_at_the_start(folder, tmp_path):
    weights = tmp_path / "mine.safetensors"
    shutil.copy(checkpoint("espcn"), weights)
    for part, name in (("before", "Before"), ("after", "After")):
        weights.with_suffix(f".{part}").write_text(json.dumps(read_card(checkpoint("espcn")) | {"name": name}))
    shutil.copy(weights.with_suffix(".before"), weights.with_suffix(".json"))
    job = Job(["espcn"], X4, ["psnr"], ["sr"], weights={"espcn": weights}, device="cpu")
    report = run([folder], job, progress=lambda *_: shutil.copy(weights.with_suffix(".after"), weights.with_suffix(".json")))
    assert report.name("espcn") == report.as_json()["methods"]["espcn"]["name"] == "Before, own weights"


def test_a_run_killed_midway_goes_on_and_ends_with_the_figures_of_an_unbroken_one(folder, tmp_path):
    for i in range(3, 7):
        write_png(textured_picture(64, 72, seed=i), folder / f"{i}.png")
    words = ["benchmark", str(folder), "--methods", "bicubic,srcnn,espcn", "--device", "cpu", "--out"]
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    command = [sys.executable, "-m", "lab", *words, str(broken)]
    running = subprocess.Popen(command, cwd=ROOT, env=ONE_THREAD, stderr=subprocess.PIPE, text=True)
    assert running.stderr.readline().startswith("1 of 7: small/0.png")
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stderr.close()
    records = broken / "records.jsonl"
    assert not (broken / "benchmark.json").exists()
    before = records.read_text()
    assert 4 <= before.count("\n") < 28
    records.write_text(before + '{"picture": "cut sho')
    for out in (broken, whole):
        assert lab(*words, out).exit_code == 0
    for name in ("benchmark.json", "benchmark.csv", "benchmark.tex", "benchmark.md"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()
    lines = records.read_text().splitlines()
    assert len(lines) == 7 * 4 + 1, "nothing was measured twice"
    assert records.read_text().startswith(before)


def test_two_processes_share_the_pictures_and_report_what_one_does(folder, tmp_path):
    write_png(textured_picture(64, 72, seed=5), tmp_path / "second" / "0.png")
    (folder / "bad.png").write_text("no picture")
    words = ["benchmark", str(folder), str(tmp_path / "second"), "--methods", "bicubic,espcn", "--device", "cpu", "--out"]
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1", "--num_processes", "2",
              "--main_process_port", "29637"]  # fmt: skip
    outs = [tmp_path / "one", tmp_path / "two"]
    assert lab(*words, outs[0]).exit_code == 0
    command = [*launch, "-m", "lab", *words, str(outs[1])]
    done = subprocess.run(command, cwd=ROOT, env=ONE_THREAD, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("method ") == 2, "one process alone reports"
    one, two = (json.loads((out / "benchmark.json").read_text()) for out in outs)
    assert one == two
    assert list(one["pictures"]) == ["small/0.png", "small/1.png", "small/2.png", "second/0.png"]
    shares = [len((outs[1] / name).read_text().splitlines()) for name in ("records.jsonl", "records-1.jsonl")]
    assert shares == [3 * 3, 1 * 3], "five pictures, one of them bad, in turn"


def test_one_process_goes_on_from_what_two_have_measured(folder, tmp_path, restored):
    job, pictures = Job(["bicubic"], X4, ["psnr"], ["sr"]), collect([folder])
    for number in range(2):
        records = Records(tmp_path / "out", number)
        list(score(pictures[number::2], job, records))
        records.close()
    restored.clear()
    assert len(run([folder], job, tmp_path / "out").scored) == 3
    assert not restored


def test_records_that_cannot_be_written_end_the_run_with_one_sentence_and_it_goes_on_later(folder, tmp_path):
    words = ["benchmark", folder, "--methods", "bicubic", "--out", tmp_path / "out"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (900, hard))  # a disk on which no file can have more
        full = lab(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert full.exit_code == 2
    assert "is skipped" not in full.stderr
    assert full.stderr.splitlines()[-1].startswith("lab: cannot write to '")
    assert "records.jsonl': File too large. Make room there" in full.stderr.splitlines()[-1]
    assert 0 < (tmp_path / "out" / "records.jsonl").read_bytes().count(b"\n") < 6
    assert reported(*words[1:]) == reported(folder, "--methods", "bicubic")


@pytest.mark.parametrize(
    ("part", "fault", "reason"),
    [
        ("prepare", MemoryError(), "there was not enough memory to prepare it."),
        ("prepare", ZeroDivisionError(), "the attempt to prepare it failed in a way nobody foresaw."),
        ("figures", MemoryError(), "there was not enough memory to measure it once it is degraded."),
        ("figures", ZeroDivisionError(), "the attempt to measure it once it is degraded failed in a way nobody foresaw."),
        ("figures", OSError(5, "Input/output error"), "the attempt to measure it once it is degraded failed in a way"),
    ],
)
def test_a_picture_that_cannot_be_blurred_or_measured_does_not_end_the_run(folder, monkeypatch, part, fault, reason):
    whole, calls = getattr(scoring, part), []

    def faulty(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise fault
        return whole(*arguments)

    monkeypatch.setattr(scoring, part, faulty)
    found = list(score(collect([folder]), Job(["srnet"], BLUR, ["psnr"], ["sr"], device="cpu")))
    assert [type(one) for one in found] == [Skipped, Scored, Scored]
    assert found[0].reason.startswith(reason)
    assert found[1].values["input"]["psnr"] > 5


def test_a_result_that_cannot_be_measured_fails_its_method_alone(folder, monkeypatch):
    whole, calls = scoring.figures, []

    def faulty(*arguments):
        calls.append(arguments)
        if len(calls) == 2:  # the first is the input's
            raise MemoryError
        return whole(*arguments)

    monkeypatch.setattr(scoring, "figures", faulty)
    report = run([folder], Job(["srnet"], BLUR, ["psnr"], ["sr"], device="cpu"))
    assert [one.failures for one in report.scored] == [{"srnet": "there was not enough memory to measure its result."}, {}, {}]
    where = f"{report.name('srnet')} on {report.scored[0].picture.name}"
    assert f"Without figures: {where}: there was not enough memory to measure its result." in to_markdown(report)


def test_a_process_alone_has_everything(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone = Processes()
    assert alone.is_main
    assert alone.share([1, 2, 3]) == [1, 2, 3]
    assert alone.gather([1]) == [1]


# Parts


def test_columns_of_the_first_convention_have_the_plain_names():
    found = columns(["psnr", "lpips"], ["rgb", "sr"])
    assert [(one.key, one.convention) for one in found] == [("psnr", "rgb"), ("lpips", "sr and rgb"), ("psnr-sr", "sr")]


def test_the_second_convention_may_have_fewer_columns():
    found = columns(["psnr", "ma", "lpips"], ["sr", "rgb"], ["psnr", "lpips"])
    assert [one.key for one in found] == ["psnr", "ma", "lpips", "psnr-rgb"]


def test_records_of_one_key_are_joined_and_others_are_not_seen(tmp_path):
    key = Key("p", "espcn", "c", "x4-bicubic", "m")
    first = Records(tmp_path)
    first.add(key, Row({"psnr:sr": 30.0}))
    first.add(key, Row({"niqe:sr": None}, {"niqe:sr": "too small."}))
    first.close()
    again = Records(tmp_path)
    assert again.find(key) == Row({"psnr:sr": 30.0, "niqe:sr": None}, {"niqe:sr": "too small."})
    for field in vars(key):
        assert again.find(replace(key, **{field: "other"})) == Row()
    again.close()


def test_a_mean_over_a_missing_or_infinite_figure_is_none(folder):
    picture = collect([folder])[0]
    rows = [{"a": {"psnr": 1.0, "ssim": 0.5}}, {"a": {"psnr": math.inf, "ssim": 0.7}}, {"a": {"psnr": 2.0, "ssim": 0.6}}]
    found = mean([Scored(picture, values) for values in rows])
    assert found == {"a": {"psnr": None, "ssim": pytest.approx(0.6)}}
    assert mean([Scored(picture, rows[0]), Scored(picture, {})])["a"]["psnr"] is None


def test_a_picture_that_vanishes_is_skipped(folder):
    pictures = collect([folder])
    (folder / "1.png").unlink()
    kinds = [type(one) for one in score(pictures, Job(["bicubic"], X4))]
    assert kinds == [Scored, Skipped, Scored]


def test_tables_say_which_columns_see_other_numbers_than_the_convention():
    both = columns(["psnr", "ssim", "niqe", "lpips"], ["sr", "rgb"])
    lines = convention_lines(["sr", "rgb"], both)
    assert lines[0].startswith("sr: luma")
    assert lines[1].startswith("rgb: red")
    assert lines[2:] == [
        "NIQE: luma of BT.601 in 16 to 235, rounded to whole numbers, 4 pixels cut from every side",
        "LPIPS: red, green and blue, the whole picture",
        "SSIM, RGB: red, green and blue, averaged, the whole picture",
        "NIQE, RGB: grey of rgb2gray in 0 to 255, rounded to whole numbers, the whole picture",
    ]
    assert convention_lines(["sr"], columns(["psnr", "gradient-ratio"], ["sr"])) == lines[:1]
