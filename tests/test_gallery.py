"""The gallery: exact, recomputed only where something changed, and silent about what is not current."""

import json
import shutil

import numpy as np
import pytest
from conftest import ROOT, textured_picture
from typer.testing import CliRunner

from lab import methods
from lab.cli import app
from lab.compare import Finished, compare
from lab.degrade import Degradation
from lab.examples import EXAMPLES, Example
from lab.gallery import making, scenes
from lab.gallery.scenes import Scene, facts_now, find, plan, webp_bytes
from lab.images import read_picture, write_png
from lab.methods import METHODS
from lab.metrics import CONVENTIONS, METRICS, measure
from lab.ui import stored
from lab.ui.comparison import Comparer, Task
from lab.ui.store import ResultStore
from lab.ui.view import STORED, view_of

KEYS = ["bicubic", "espcn"]


@pytest.fixture
def shelf(tmp_path, monkeypatch, small_models):
    """A folder for checkpoints of its own, with ESPCN's, and one small example, with all four degradations in the plan."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for ending in ("safetensors", "json"):
        shutil.copy(ROOT / "checkpoints" / f"espcn.{ending}", folder)
    monkeypatch.setattr(methods, "CHECKPOINTS", folder)
    picture = write_png(textured_picture(48, 60), tmp_path / "small.png")
    monkeypatch.setattr(scenes, "EXAMPLES", [Example("small", "Small", picture, "the lab")])
    monkeypatch.setattr(scenes, "FOLDER", tmp_path / "gallery")
    return folder


def scene(kind: str = "x4-bicubic") -> Scene:
    return find("small", Degradation(kind))


def whats(kind: str = "x4-bicubic") -> list[tuple[str, str]]:
    return [(done.method, done.what) for done in making.update(scene(kind), KEYS, "cpu")]


def task(*keys: str, kind: str = "x4-bicubic") -> Task:
    return Task(scenes.EXAMPLES[0].path.read_bytes(), Degradation(kind), keys or tuple(KEYS), example="small", device="cpu")


def card_of(shelf) -> dict:
    return json.loads((shelf / "espcn.json").read_text())


def test_a_stored_result_is_what_computing_it_gives(shelf):
    assert whats("defocus") == [("bicubic", "computed"), ("espcn", "computed")]
    one = scene("defocus")
    for finished in compare(one.prepared, KEYS, ["psnr", "ssim"], device="cpu"):
        if isinstance(finished, Finished):
            picture, row = one.result(finished.method)
            assert np.array_equal(picture, finished.picture)
            assert row.figures["sr"]["psnr"] == finished.metrics["psnr"]
            assert row.figures["sr"]["ssim"] == finished.metrics["ssim"]
            assert row.facts["given"] == finished.given
            assert row.facts["in_domain"] == finished.in_domain
    assert one.row("input").figures["rgb"]["psnr"] == measure("psnr", one.prepared.given, one.prepared.reference, "rgb")


def test_the_shipped_gallery_is_what_this_machine_computes_to_one_step():
    """Of one scene that lies in the repository, two quick methods; another processor may round to the other side."""
    one = Scene(*plan()[0])
    for key in ("bicubic", "espcn"):
        (result,) = [event for event in compare(one.prepared, [key], (), device="cpu") if isinstance(event, Finished)]
        assert np.abs(result.picture.astype(int) - one.result(key)[0]).max() <= 1


@pytest.mark.parametrize(("example", "degradation"), plan(), ids=[f"{example.key}-{blur.kind}" for example, blur in plan()])
def test_every_scene_of_the_plan_is_shipped_and_current_for_every_shipped_checkpoint(example, degradation):
    one = Scene(example, degradation)
    whys = {key: one.why_not(key) for key in METHODS if facts_now(key, degradation)}
    assert {"bicubic", "espcn", "resg"} <= whys.keys()
    assert {key: why for key, why in whys.items() if why} == {}


def test_storing_loses_nothing(shelf, tmp_path):
    noise = np.random.default_rng(3).integers(0, 256, (40, 52, 3), dtype=np.uint8)
    (tmp_path / "noise.webp").write_bytes(webp_bytes(noise))
    assert np.array_equal(read_picture(tmp_path / "noise.webp"), noise)


def test_only_what_has_changed_is_computed_again(shelf):
    assert whats() == [("bicubic", "computed"), ("espcn", "computed")]
    assert whats() == [("bicubic", "kept"), ("espcn", "kept")]
    assert making.stale(scene(), KEYS) == []
    with (shelf / "espcn.safetensors").open("r+b") as file:  # one weight is another
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    assert [(one.method, one.why) for one in making.stale(scene(), KEYS)] == [("espcn", "its checkpoint has changed")]
    assert scene().result("espcn") is None
    assert scene().result("bicubic") is not None
    assert whats() == [("bicubic", "kept"), ("espcn", "computed")]


def test_words_of_a_card_are_taken_over_without_running_the_network(shelf):
    list(making.update(scene(), KEYS, "cpu"))
    (shelf / "espcn.json").write_text(json.dumps(card_of(shelf) | {"stage": "said otherwise"}))
    assert scene().why_not("espcn") == "its card has changed"
    assert whats() == [("bicubic", "kept"), ("espcn", "kept")]
    assert scene().result("espcn")[1].facts["stage"] == "said otherwise"


def test_figures_of_other_models_are_measured_again_and_the_picture_stays(shelf, small_models):
    list(making.update(scene(), KEYS, "cpu"))
    (small_models / "lab" / "niqe.safetensors").unlink()
    assert {one.why for one in making.stale(scene(), KEYS)} == {"its figures were measured with other models"}
    assert whats() == [("bicubic", "measured"), ("espcn", "measured")]
    assert whats() == [("bicubic", "kept"), ("espcn", "kept")]


def test_a_metric_that_came_later_is_measured_and_the_picture_stays(shelf, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(making, "METRICS", {key: metric for key, metric in METRICS.items() if key not in ("gmsd", "niqe")})
        list(making.update(scene("gaussian"), KEYS, "cpu"))
    stored = (scene("gaussian").folder / "espcn.webp").stat().st_mtime_ns
    assert "niqe" not in scene("gaussian").row("reference").figures["sr"]
    why = "its NIQE, GMSD was never measured"
    found = [(one.method, one.why) for one in making.stale(scene("gaussian"), KEYS)]
    assert found == [("input", why), ("reference", "its NIQE was never measured"), ("bicubic", why), ("espcn", why)]
    assert whats("gaussian") == [("bicubic", "measured"), ("espcn", "measured")]
    assert making.stale(scene("gaussian"), KEYS) == []
    for row in (scene("gaussian").row("input"), scene("gaussian").result("espcn")[1]):
        assert all({"niqe", "gmsd"} <= set(figures) for figures in row.figures.values())
    assert {"niqe"} == {"niqe", "gmsd"} & set(scene("gaussian").row("reference").figures["rgb"])
    assert (scene("gaussian").folder / "espcn.webp").stat().st_mtime_ns == stored


def test_figures_that_only_another_machine_can_measure_make_nothing_stale(shelf, monkeypatch):
    list(making.update(scene(), KEYS, "cpu"))
    monkeypatch.setattr(making, "METRICS", {key: metric for key, metric in METRICS.items() if key != "gmsd"})
    assert making.stale(scene(), KEYS) == []
    assert whats() == [("bicubic", "kept"), ("espcn", "kept")]


def test_another_example_picture_makes_everything_stale(shelf):
    list(making.update(scene(), KEYS, "cpu"))
    write_png(textured_picture(48, 60, seed=5), scenes.EXAMPLES[0].path)
    assert {one.why for one in making.stale(scene(), KEYS)} == {"the example picture has changed"}
    assert whats() == [("bicubic", "computed"), ("espcn", "computed")]


def test_starting_a_scene_anew_leaves_other_files_in_its_folder(shelf):
    other = scene().folder / "mine.txt"
    other.parent.mkdir(parents=True)
    other.write_text("kept")
    assert whats() == [("bicubic", "computed"), ("espcn", "computed")]
    write_png(textured_picture(48, 60, seed=5), scenes.EXAMPLES[0].path)
    assert whats() == [("bicubic", "computed"), ("espcn", "computed")]
    assert other.read_text() == "kept"


def test_a_checkpoint_that_was_replaced_while_it_ran_is_not_stored(shelf, monkeypatch):
    list(making.update(scene(), ["bicubic"], "cpu"))
    whole = making.compare

    def compare(*arguments, **options):
        """The network has run, and its file is replaced before the result is stored."""
        for event in whole(*arguments, **options):
            if isinstance(event, Finished):
                (shelf / "espcn.safetensors").write_bytes((ROOT / "checkpoints" / "srcnn.safetensors").read_bytes())
            yield event

    monkeypatch.setattr(making, "compare", compare)
    (done,) = making.update(scene(), ["espcn"], "cpu")
    assert done.what == "failed"
    assert "espcn.safetensors was replaced while it ran" in done.why
    assert scene().index["results"].keys() == {"bicubic"}


def test_another_blur_makes_everything_stale_but_a_step_of_rounding_does_not(shelf):
    list(making.update(scene("gaussian"), KEYS, "cpu"))
    one = scene("gaussian")
    given = one.picture("given").astype(int)
    for change, why in ((1, ""), (2, "the degradation has changed")):
        moved = np.where(given > 128, given - change, given + change).astype(np.uint8)
        (one.folder / "given.webp").write_bytes(webp_bytes(moved))
        assert scene("gaussian").why_stale == why


def test_a_damaged_result_is_not_shown_and_is_made_anew(shelf):
    list(making.update(scene(), KEYS, "cpu"))
    (scene().folder / "espcn.webp").write_bytes(webp_bytes(textured_picture(48, 60)))
    assert scene().result("espcn") is None
    (scene().folder / "bicubic.webp").write_bytes(b"nothing")
    assert scene().result("bicubic") is None
    assert whats() == [("bicubic", "computed"), ("espcn", "computed")]
    (scene().folder / "index.json").write_text("{")
    assert scene().why_stale == "not stored yet"


@pytest.mark.parametrize(
    ("part", "damaged"),
    [
        *((part, None) for part in ("figures", "psnrs", "models_sha256", "pixels_sha256", "seconds", "device")),
        *(("figures", {"sr": row, "rgb": {}}) for row in (5, {"psnr": 3}, {"psnr": {}}, {"psnr": {"value": "much"}})),
        ("figures", {"sr": {"psnr": {"value": 1.0, "colour": "red"}}, "rgb": {}}),
        ("figures", {}),
        *(("psnrs", psnrs) for psnrs in ([1], [["sr", "much"]], [[1, 2.0]])),
    ],
)
def test_a_damaged_row_counts_as_not_stored(shelf, part, damaged):
    list(making.update(scene(), KEYS, "cpu"))
    index = json.loads((scene().folder / "index.json").read_text())
    index["results"]["bicubic"][part] = damaged
    index["results"]["espcn"] = 5
    del index["reference"]["figures"]
    (scene().folder / "index.json").write_text(json.dumps(index))
    assert [scene().result(method) for method in KEYS] == [None, None]
    assert scene().row("reference") is None
    assert [(one.method, one.why) for one in making.stale(scene(), KEYS)] == [
        ("reference", "its figures are not stored"),
        ("bicubic", "not stored yet"),
        ("espcn", "not stored yet"),
    ]
    assert whats() == [("bicubic", "computed"), ("espcn", "computed")]
    assert making.stale(scene(), KEYS) == []


def test_the_command_says_what_is_stale_and_makes_it_and_tidies_up(shelf, tmp_path):
    words = ["gallery", "--device", "cpu"]
    checked = CliRunner().invoke(app, [*words, "--kinds", "x4-bicubic", "--methods", "bicubic", "--check"])
    assert checked.exit_code == 1
    assert "small x4-bicubic bicubic: not stored yet" in checked.output
    assert not scenes.FOLDER.exists()
    made = CliRunner().invoke(app, [*words, "--kinds", " x4-bicubic, ", "--methods", "bicubic,espcn"])
    assert made.exit_code == 0, made.output
    assert "2 computed; 0." in made.output
    assert CliRunner().invoke(app, [*words, "--kinds", "x4-bicubic", "--methods", "bicubic,espcn", "--check"]).exit_code == 0
    (shelf / "espcn.safetensors").unlink()
    shutil.copytree(scene().folder, scenes.FOLDER / "small" / "fog")
    (scenes.FOLDER / "photos" / "holiday").mkdir(parents=True)  # no scene: it is somebody else's
    (scenes.FOLDER / "photos" / "holiday" / "index.json").write_text("{}")
    assert making.prune() == ["small/fog", "small x4-bicubic espcn"]
    assert (scenes.FOLDER / "photos" / "holiday" / "index.json").is_file()
    assert sorted(path.name for path in scene().folder.iterdir()) == ["bicubic.webp", "given.webp", "index.json"]
    unknown = CliRunner().invoke(app, [*words, "--kinds", "fog"])
    assert unknown.exit_code == 2
    assert "the gallery has no 'fog': choose from x4-bicubic, gaussian, motion, defocus." in unknown.output
    assert "nothing of the gallery is named" in CliRunner().invoke(app, [*words, "--examples", ","]).output
    two = CliRunner().invoke(app, [*words, "--kinds", "gaussian, motion", "--methods", "bicubic", "--check"])
    assert two.output.splitlines()[-1] == "2 stale"


def test_every_example_is_in_the_plan_with_every_degradation():
    kinds = ["x4-bicubic", "gaussian", "motion", "defocus"]
    assert [(example.key, blur.kind) for example, blur in plan()] == [(one.key, kind) for one in EXAMPLES for kind in kinds]
    assert find("astronaut", Degradation("gaussian", 5.9)) is None
    assert find(None, Degradation("x4-bicubic")) is None


def test_the_page_shows_stored_results_with_their_figures_and_says_what_they_are(shelf, tmp_path):
    comparer = Comparer(ResultStore(tmp_path / "store"))
    assert comparer.stored(task()) is None
    list(making.update(scene("motion"), KEYS, "cpu"))
    shown = comparer.stored(task("nearest", "bicubic", "espcn", "srcnn", kind="motion"))
    states = {method: pane.state for method, pane in shown.panes.items()}
    assert states == {"nearest": "absent", "bicubic": "done", "espcn": "done", "srcnn": "failed"}
    assert not shown.is_whole()
    assert comparer.stored(task(kind="motion")).is_whole()
    picture = read_picture(shown.panes["espcn"].entry.files()["picture"])
    assert np.array_equal(picture, scene("motion").result("espcn")[0])
    view = view_of(shown)
    assert view["stored"] is True
    assert view["status"] == {"text": STORED + " Not stored: 1 of 4.", "busy": False, "running": ""}
    panes = {pane["key"]: pane for pane in view["panes"]}
    assert panes["espcn"]["sha"] == facts_now("espcn", Degradation("motion"))["checkpoint_sha256"][:12]
    assert (
        panes["espcn"]["figures"]["sr"]["psnr"]["text"] == f"{scene('motion').result('espcn')[1].figures['sr']['psnr'].value:.2f}"
    )
    assert panes["nearest"]["reason"] == stored.ABSENT
    assert "No checkpoint yet" in panes["srcnn"]["reason"]
    assert set(panes["input"]["figures"]["sr"]) == set(panes["espcn"]["figures"]["sr"])


def test_stored_figures_of_other_models_stay_out_of_the_table(shelf, tmp_path, small_models):
    list(making.update(scene(), KEYS, "cpu"))
    (small_models / "lab" / "niqe.safetensors").unlink()
    shown = Comparer(ResultStore(tmp_path / "store")).stored(task())
    figures = shown.measured["bicubic"].figures
    for convention in CONVENTIONS:
        assert figures[convention]["psnr"].value is not None
        assert figures[convention]["lpips"].value is None
        assert figures[convention]["lpips"].why_not == stored.OTHER_MODELS
    assert shown.measured["input"].figures["sr"]["psnr"].why_not.startswith("The input is a quarter")
    assert shown.measured["reference"].figures["sr"]["psnr"].why_not == "This is the sharp original itself."


def test_every_metric_is_stored_in_both_conventions(shelf):
    list(making.update(scene(), ["bicubic"], "cpu"))
    figures = scene().result("bicubic")[1].figures
    assert all(set(METRICS) - {"flip"} <= set(figures[convention]) for convention in CONVENTIONS)
    assert METHODS["bicubic"].name == scene().result("bicubic")[1].facts["name"]
