"""python -m lab score, weights fetch and metrics, as a user types them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import small_models as stand_ins
from conftest import textured_picture
from typer.testing import CliRunner

from lab import official
from lab.cli import app
from lab.images import read_picture, write_png
from lab.metrics import EVERY_METRIC, measure


def lab(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def pictures(tmp_path):
    """A sharp picture and two worse ones, 240 x 250."""
    sharp = textured_picture(240, 250)
    noise = np.random.default_rng(0).normal(0, 9, sharp.shape)
    worse = [np.clip(sharp + noise * level, 0, 255).astype(np.uint8) for level in (1, 3)]
    return [write_png(one, tmp_path / f"{name}.png") for name, one in zip(("sharp", "a", "b"), (sharp, *worse), strict=True)]


def test_score_prints_json_with_value_convention_and_variant_of_every_metric(small_models, pictures):
    sharp, *worse = pictures
    done = lab("score", *worse, "--reference", sharp, "--metrics", "all", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert [entry["image"] for entry in report] == [str(path) for path in worse]
    for path, entry in zip(worse, report, strict=True):
        assert set(entry) == {"image", "metrics"}
        assert list(entry["metrics"]) == list(EVERY_METRIC)
        for key, figure in entry["metrics"].items():
            expected = measure(key, read_picture(path), read_picture(sharp))
            assert {name: figure[name] for name in ("value", "convention", "variant")} == {
                "value": expected.value, "convention": "sr", "variant": expected.variant,
            }  # fmt: skip


def test_without_a_reference_the_figures_that_need_none_are_measured(small_models, pictures):
    report = json.loads(lab("score", pictures[1], "--json").stdout)
    assert list(report[0]["metrics"]) == ["niqe", "ma", "pi"]
    asked = json.loads(lab("score", pictures[1], "--metrics", "psnr", "--json").stdout)
    assert asked[0]["metrics"]["psnr"]["value"] is None
    assert "no sharp original" in asked[0]["metrics"]["psnr"]["note"]


def test_the_convention_and_the_border_change_what_is_measured(small_models, pictures):
    sharp, worse = (read_picture(path) for path in pictures[:2])

    def psnr(*words):
        done = lab("score", pictures[1], "--reference", pictures[0], "--metrics", "psnr", "--json", *words)
        return json.loads(done.stdout)[0]["metrics"]["psnr"]

    assert psnr()["value"] == measure("psnr", worse, sharp, "sr", 4).value
    assert psnr("--border", 0)["value"] == measure("psnr", worse, sharp, "sr", 0).value
    whole = measure("psnr", worse, sharp, "rgb").value
    assert psnr("--convention", "rgb") == {"value": whole, "convention": "rgb", "variant": ""}


def test_the_table_names_variants_and_says_what_could_not_be_measured(small_models, pictures, tmp_path):
    text = lab("score", pictures[1]).stdout
    assert text.split("\n")[0].split() == ["image", "niqe-lab", "ma-lab", "pi-lab"]
    stand_ins.write_official("niqe")
    stand_ins.write_official("ma")
    assert lab("score", pictures[1]).stdout.split("\n")[0].split() == ["image", "niqe", "ma", "pi"]
    small = write_png(textured_picture(60, 60), tmp_path / "small.png")
    done = lab("score", small)
    assert done.exit_code == 0
    assert "small.png, NIQE: NIQE needs two blocks" in done.stderr


def test_pictures_of_one_name_are_told_apart_by_their_folders(small_models, pictures, tmp_path):
    (tmp_path / "other").mkdir()
    twin = write_png(read_picture(pictures[2]), tmp_path / "other" / "a.png")
    done = lab("score", pictures[1], twin, pictures[2], "--metrics", "psnr")
    assert [row.split()[0] for row in done.stdout.splitlines()[2:]] == [str(pictures[1]), str(twin), "b.png"]
    assert f"{twin}, PSNR: " in done.stderr


def test_help_names_the_metrics_there_are():
    text = lab("score", "--help").stdout
    assert all(key in text for key in EVERY_METRIC)


def test_an_identical_picture_is_valid_json_though_its_psnr_is_infinite(small_models, pictures):
    def no_constants(name):
        raise AssertionError(f"{name} is not JSON")

    done = lab("score", pictures[0], "--reference", pictures[0], "--metrics", "psnr,ssim", "--json")
    figures = json.loads(done.stdout, parse_constant=no_constants)[0]["metrics"]
    assert "identical" in figures["psnr"]["note"]
    assert figures["ssim"]["value"] == pytest.approx(1)


def test_official_niqe_parameters_may_be_given_as_a_file(small_models, data, pictures):
    words = ["score", pictures[1], "--metrics", "niqe", "--niqe-parameters", data / "niqe" / "modelparameters.mat"]
    figure = json.loads(lab(*words, "--json").stdout)[0]["metrics"]["niqe"]
    assert figure["variant"] == "official"
    assert math.isfinite(figure["value"])
    assert figure["value"] != json.loads(lab("score", pictures[1], "--json").stdout)[0]["metrics"]["niqe"]["value"]


def test_the_well_known_baboon_has_its_published_niqe(small_models, data):
    baboon = data / "benchmark" / "Set14" / "img_001.png"
    parameters = data / "niqe" / "modelparameters.mat"
    done = lab("score", baboon, "--metrics", "niqe", "--niqe-parameters", parameters, "--border", 0, "--json")
    assert json.loads(done.stdout)[0]["metrics"]["niqe"]["value"] == pytest.approx(5.7296, abs=1e-4)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--metrics", "beauty"], "unknown metric 'beauty'"),
        (["--metrics", ","], "no metrics are named"),
        (["--border", "2", "--convention", "rgb"], "--border goes with --convention sr"),
        (["--niqe-parameters", "gone.mat"], "gone.mat"),
        (["--reference", "gone.png"], "gone.png"),
    ],
)
def test_wrong_words_get_one_sentence(small_models, pictures, words, sentence):
    done = lab("score", pictures[1], *words)
    assert done.exit_code == 2
    assert done.stderr.startswith("lab: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_picture_that_cannot_be_used_costs_the_others_no_figures(small_models, pictures, tmp_path):
    sharp, worse, other = pictures
    (tmp_path / "torn.png").write_bytes(sharp.read_bytes()[:2000])
    write_png(textured_picture(50, 60), tmp_path / "small.png")
    files = [worse, tmp_path / "torn.png", tmp_path / "gone.png", tmp_path / "small.png", other]
    words = ["score", *files, "--reference", sharp, "--metrics", "psnr"]
    done = lab(*words, "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert [entry["image"] for entry in report] == [str(path) for path in files]
    assert [bool(entry["metrics"]) for entry in report] == [True, False, False, False, True]
    sentences = [entry["error"] for entry in report if "error" in entry]
    assert "torn.png: The PNG file is damaged" in sentences[0]
    assert "gone.png: There is no file" in sentences[1]
    assert "small.png and the reference differ in size (60x50 and 250x240)" in sentences[2]

    done = lab(*words)
    assert done.exit_code == 1
    assert [line.split()[-1] == "-" for line in done.stdout.splitlines()[2:]] == [False, True, True, True, False]
    assert done.stderr.splitlines() == [f"lab: {sentence}" for sentence in sentences]


def test_a_metric_that_runs_out_of_memory_says_so_and_the_others_have_values(small_models, pictures, monkeypatch):
    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr("lab.metrics.ma.ma", no_memory)
    done = lab("score", pictures[1], "--json")
    assert done.exit_code == 0
    figures = json.loads(done.stdout)[0]["metrics"]
    assert figures["niqe"]["value"] > 0
    assert figures["ma"]["value"] is None
    assert "not enough memory to measure Ma" in figures["ma"]["note"]


def test_few_and_flat_blocks_are_told_beside_the_value_of_niqe(small_models, pictures, tmp_path):
    done = lab("score", pictures[1])
    assert "a.png, NIQE: only 4 blocks of 96x96" in done.stderr
    picture = textured_picture(400, 500)
    picture[:200, :200] = 90
    path = write_png(picture, tmp_path / "half.png")
    figures = json.loads(lab("score", path, "--json").stdout)[0]["metrics"]
    assert figures["niqe"]["note"] == figures["pi"]["note"] == "4 of 20 blocks are flat"
    assert "note" not in figures["ma"]


# weights fetch


def test_fetch_takes_a_file_one_already_has_and_says_its_licence(small_models, tmp_path):
    made = stand_ins.write_official("niqe").rename(tmp_path / "mine.mat")
    done = lab("weights", "fetch", "niqe", "--from", made)
    assert done.exit_code == 0, done.output
    assert official.place("niqe").read_bytes() == made.read_bytes()
    assert "Licence: " in done.stdout
    assert str(official.place("niqe")) in done.stdout
    assert "is there already" in lab("weights", "fetch", "niqe").stdout


def test_fetch_of_another_file_is_refused_and_leaves_nothing(small_models, tmp_path):
    (tmp_path / "mine.mat").write_bytes(b"rubbish")
    done = lab("weights", "fetch", "niqe", "--from", tmp_path / "mine.mat")
    assert done.exit_code == 2
    assert "mine.mat is not NIQE's official parameters" in done.stderr
    assert not official.place("niqe").exists()


def test_a_damaged_file_without_a_known_hash_is_not_taken_for_one_that_is_there(small_models, monkeypatch):
    path = stand_ins.write_official("ma")
    whole = path.read_bytes()
    assert "is there already" in lab("weights", "fetch", "ma").stdout
    path.write_bytes(whole[: len(whole) // 2])

    def refused(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(official, "_answer", refused)
    offline = lab("weights", "fetch", "ma")
    assert offline.exit_code == 2
    assert "is there already" not in offline.stdout
    assert "could not be downloaded" in offline.stderr

    again = []
    monkeypatch.setattr(official, "fetch", lambda key, progress, anew: again.append(anew) or (path.write_bytes(whole) and path))
    assert lab("weights", "fetch", "ma").exit_code == 0
    assert again == [True]


def test_a_damaged_copy_is_told_and_takes_no_place_though_it_begins_like_the_file(small_models, tmp_path):
    whole = stand_ins.write_official("ma").read_bytes()
    (tmp_path / "cut.mat").write_bytes(whole[: len(whole) // 2])
    done = lab("weights", "fetch", "ma", "--from", tmp_path / "cut.mat")
    assert done.exit_code == 2
    assert "damaged, cut short or no MATLAB file" in done.stderr
    assert official.place("ma").read_bytes() == whole
    assert [path.name for path in tmp_path.glob("cut*")] == ["cut.mat"]


def test_fetch_without_a_network_says_where_from_and_where_to(small_models, monkeypatch):
    def refused(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(official, "_answer", refused)
    done = lab("weights", "fetch", "all")
    assert done.exit_code == 2
    for key in ("alexnet", "vgg19", "niqe", "ma"):
        assert official.OFFICIAL[key].urls[0] in done.stderr
        assert str(official.place(key)) in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["resnet"], "no official file called 'resnet'"), (["all", "--from", "x"], "--from goes with one name")],
)
def test_fetch_of_what_does_not_exist_is_one_sentence(small_models, words, sentence):
    done = lab("weights", "fetch", *words)
    assert done.exit_code == 2
    assert sentence in done.stderr


# metrics


def test_fit_niqe_writes_a_model_that_score_takes(small_models, tmp_path, pictures):
    from lab.images import write_png

    folder = tmp_path / "sharp"
    folder.mkdir()
    for seed in range(12):
        write_png(textured_picture(200, 300, seed), folder / f"{seed}.png")
    out = tmp_path / "own.safetensors"
    done = lab("metrics", "fit-niqe", folder, "--out", out)
    assert done.exit_code == 0, done.output
    assert str(out) in done.stdout
    report = json.loads(lab("score", pictures[1], "--metrics", "niqe", "--niqe-parameters", out, "--json").stdout)
    assert report[0]["metrics"]["niqe"]["variant"] == "lab"


def test_check_niqe_without_official_parameters_says_how_to_get_them(small_models, tmp_path):
    done = lab("metrics", "check-niqe", tmp_path)
    assert done.exit_code == 2
    assert "weights fetch niqe" in done.stderr


@pytest.mark.parametrize("command", [["check-niqe"], ["check"], ["train-ma", "--benchmark", "sets"]])
def test_only_the_authors_parameters_are_taken_for_official_ones(small_models, tmp_path, monkeypatch, command):
    other = stand_ins.write_official("niqe")
    monkeypatch.setitem(official.OFFICIAL, "niqe", replace(official.OFFICIAL["niqe"], sha256="0" * 64))
    for file, sentence in ((other, "is not NIQE's official parameters (its"), (tmp_path / "gone.mat", "there is no file")):
        done = lab("metrics", *command, tmp_path, "--niqe-parameters", file)
        assert done.exit_code == 2, done.output
        assert sentence in done.stderr
        assert file.name in done.stderr


def test_check_niqe_prints_the_agreement_of_both_models_and_fails_where_it_is_low(small_models, data, tmp_path, monkeypatch):
    monkeypatch.setattr("lab.fitting.niqe_check.LEAST_SPEARMAN", 1.01)
    for seed in range(2):
        write_png(textured_picture(204, 300, seed), tmp_path / f"{seed}.png")
    done = lab("metrics", "check-niqe", tmp_path, "--niqe-parameters", data / "niqe" / "modelparameters.mat", "--count", 2)
    assert done.exit_code == 1, done.output
    assert "Spearman over 38 pictures" in done.stdout
    assert "FAILS  NIQE-lab ranks a graded set like official NIQE, Spearman at least 1.01: 0." in done.stdout


def test_check_makes_every_check_and_fails_where_one_does(small_models, tmp_path, monkeypatch):
    import lab.cli.fitting as room

    made = []

    def holds(name, answer):
        monkeypatch.setattr(room, name, lambda *_: made.append(name) or answer)

    holds("_check_lpips", True)
    holds("_check_ma", True)
    holds("_check_niqe", True)
    without = lab("metrics", "check", tmp_path)
    assert without.exit_code == 1
    assert "weights fetch niqe" in without.stdout
    assert made == ["_check_lpips", "_check_ma"]
    stand_ins.write_official("niqe")
    assert lab("metrics", "check", tmp_path).exit_code == 0
    for name in ("_check_niqe", "_check_lpips", "_check_ma"):
        holds(name, False)
        assert lab("metrics", "check", tmp_path).exit_code == 1
        holds(name, True)


@pytest.mark.parametrize("command", ["fit-niqe", "fit-lpips", "check-lpips", "check-ma", "check"])
def test_a_folder_that_is_not_there_is_one_sentence(small_models, tmp_path, command):
    features = ["--features", small_models / "lab" / "features.safetensors"] if command == "fit-lpips" else []
    done = lab("metrics", command, tmp_path / "gone", *features)
    assert done.exit_code == 2
    assert "gone" in done.stderr
    assert "Traceback" not in done.output
