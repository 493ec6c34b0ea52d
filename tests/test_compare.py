"""lab.compare: one input, all methods, one stream."""

import threading

import numpy as np
import pytest
from conftest import textured_picture

from lab.compare import Failed, Finished, Started, compare, input_figures, prepare
from lab.degrade import degrade, parse
from lab.images import PictureError, read_picture, to_picture, to_tensor
from lab.methods import METHODS, UnknownMethodError
from lab.metrics import measure
from lab.networks import build
from lab.restore import RestoreError
from lab.weights import save

DEGRADATIONS = ["x4-bicubic", "gaussian:sigma=1.6", "motion:length=12,seed=2", "defocus:radius=2,noise=2,jpeg=80"]


def finished(prepared, methods, **options):
    return {event.method: event for event in compare(prepared, methods, **options) if isinstance(event, Finished)}


@pytest.mark.parametrize("text", [*DEGRADATIONS, None])
def test_every_method_runs_in_every_degradation_and_comes_back_at_the_pictures_own_size(text):
    picture = textured_picture(50, 61)
    prepared = prepare(picture, parse(text) if text else None)
    events = list(compare(prepared, list(METHODS)))
    assert not [event for event in events if isinstance(event, Failed)]
    results = [event for event in events if isinstance(event, Finished)]
    assert [event.method for event in results] == list(METHODS)
    for event in results:
        assert event.picture.shape == picture.shape
        assert event.picture.dtype == np.uint8
        assert event.given
        for figure in event.metrics.values():
            assert (figure.value is None) == (text is None)
            assert figure.value is not None or figure.why_not


def test_a_blurred_picture_may_come_back_four_times_as_large():
    prepared = prepare(textured_picture(33, 40), None, output="x4")
    for event in finished(prepared, list(METHODS)).values():
        assert event.picture.shape == (132, 160, 3)
        assert not event.in_domain


def test_four_times_a_large_picture_is_refused_before_anything_runs():
    with pytest.raises(PictureError, match="four times 2000x1500: 8000x6000 is more than the 40-megapixel limit"):
        prepare(np.zeros((1500, 2000, 3), np.uint8), None, output="x4")


def test_events_come_one_by_one_each_method_started_before_it_finishes():
    events = compare(prepare(textured_picture(40, 40), parse("x4-bicubic")), ["nearest", "bicubic"])
    assert isinstance(next(events), Started)
    assert next(events).method == "nearest"
    assert next(events) == Started("bicubic")
    assert isinstance(next(events), Finished)
    assert next(events, None) is None


def test_what_is_given_is_the_degraded_picture_and_nothing_else():
    picture = textured_picture(50, 61)
    for text in DEGRADATIONS:
        prepared = prepare(picture, parse(text))
        expected = to_picture(degrade(to_tensor(picture), parse(text)))
        np.testing.assert_array_equal(prepared.given, expected)
        assert prepared.shown.shape == picture.shape


def test_same_size_methods_get_the_bicubic_enlargement_when_the_picture_was_shrunk():
    prepared = prepare(textured_picture(50, 61), parse("x4-bicubic"))
    results = finished(prepared, ["bicubic", "nonbn-resg-l"])
    assert "enlarged to 61x50 with bicubic" in results["nonbn-resg-l"].given
    assert results["bicubic"].given == "the 16x13 picture"


def test_x4_methods_get_the_blurred_picture_shrunk_to_a_quarter():
    results = finished(prepare(textured_picture(50, 61), parse("gaussian:sigma=2")), ["srresnet", "nonbn-resg"])
    assert "shrunk to 16x13 with bicubic" in results["srresnet"].given
    assert not results["srresnet"].in_domain
    assert results["nonbn-resg"].given == "the 61x50 picture"
    assert results["nonbn-resg"].in_domain


def test_the_picture_that_is_measured_is_the_one_that_is_shown():
    picture = textured_picture(48, 64)
    prepared = prepare(picture, parse("x4-bicubic"))
    for convention in ("sr", "rgb"):
        for event in finished(prepared, ["bicubic", "espcn"], convention=convention).values():
            for key, figure in event.metrics.items():
                again = measure(key, event.picture, picture, convention=convention, border=4)
                assert figure == again
                assert figure.convention == convention


def test_a_run_that_is_stopped_yields_no_further_method():
    stop, seen = threading.Event(), []
    for event in compare(prepare(textured_picture(40, 40), parse("x4-bicubic")), list(METHODS), stop=stop):
        seen.append(event)
        if isinstance(event, Finished):
            stop.set()
    assert [type(event) for event in seen] == [Started, Finished]


def test_a_method_that_cannot_run_says_why_and_the_others_go_on(tmp_path):
    broken = tmp_path / "broken.pth"
    broken.write_text("not weights")
    prepared = prepare(textured_picture(40, 40), parse("x4-bicubic"))
    events = list(compare(prepared, ["srgan", "bicubic"], weights={"srgan": broken}))
    assert isinstance(events[1], Failed)
    assert "broken.pth" in events[1].reason
    assert isinstance(events[3], Finished)


@pytest.mark.parametrize(
    ("error", "told"), [(MemoryError(), "not enough memory to measure Ma"), (OSError(), "Measuring Ma failed")]
)
def test_a_picture_that_cannot_be_measured_is_there_all_the_same(small_models, monkeypatch, error, told):
    def fails(*_):
        raise error

    monkeypatch.setattr("lab.metrics.ma.ma", fails)
    prepared = prepare(textured_picture(210, 210), parse("gaussian:sigma=1"))
    result = finished(prepared, ["bicubic"], metrics=("psnr", "ma", "pi"))["bicubic"]
    assert result.picture.shape == (210, 210, 3)
    assert result.metrics["psnr"].value > 10
    assert told in result.metrics["ma"].why_not
    assert told in input_figures(prepared, ("ma",))["ma"].why_not


def test_an_unforeseen_fault_becomes_a_sentence_and_the_others_go_on(monkeypatch):
    import lab.compare as room

    real = room.restore
    monkeypatch.setattr(room, "restore", lambda key, *rest: 1 / 0 if key == "nearest" else real(key, *rest))
    events = list(compare(prepare(textured_picture(40, 40), parse("x4-bicubic")), ["nearest", "bicubic"]))
    assert "Nearest failed in a way nobody foresaw" in events[1].reason
    assert isinstance(events[3], Finished)


def test_a_card_that_makes_no_sense_fails_its_method_alone(tmp_path):
    path = tmp_path / "mine.safetensors"
    save(build("srresnet", blocks=1, width=8, batch_norm=False), path, {"trained_for": [{"kind": "gaussian"}]})
    prepared = prepare(textured_picture(40, 40), parse("x4-bicubic"))
    events = list(compare(prepared, ["srgan", "bicubic"], weights={"srgan": path}))
    assert "gives no numbers low and high for gaussian" in events[1].reason
    assert isinstance(events[3], Finished)


def test_a_result_larger_than_asked_for_is_refused():
    with pytest.raises(PictureError, match="1-megapixel limit"):
        prepare(textured_picture(300, 300), None, output="x4", max_pixels=1_000_000)


def test_unknown_methods_and_devices_are_refused_before_anything_runs():
    prepared = prepare(textured_picture(40, 40), parse("x4-bicubic"))
    with pytest.raises(UnknownMethodError):
        next(compare(prepared, ["bicubic", "edsr"]))
    with pytest.raises(RestoreError):
        next(compare(prepared, ["bicubic"], device="tpu"))


def test_the_input_has_figures_of_its_own_when_it_is_full_size():
    picture = textured_picture(50, 61)
    blurred = input_figures(prepare(picture, parse("gaussian:sigma=2")))
    assert 10 < blurred["psnr"].value < 40
    assert "bicubic" in input_figures(prepare(picture, parse("x4-bicubic")))["psnr"].why_not


X4_MARGINS = {"srcnn": 0.7, "espcn": 0.7, "srresnet": 2.9, "esrgan-psnr": 2.7}


def mean_psnr(data, methods, text, side=None):
    """Mean PSNR of every method and of the input on Set5, or on squares of `side` pixels of its pictures."""
    rows = []
    for path in sorted((data / "benchmark" / "Set5").glob("*.png")):
        prepared = prepare(read_picture(path)[:side, :side], parse(text))
        row = {key: event.metrics["psnr"].value for key, event in finished(prepared, methods, metrics=("psnr",)).items()}
        rows.append(row | {"input": input_figures(prepared, ("psnr",))["psnr"].value})
    assert len(rows) == 5
    return {key: np.mean([row[key] for row in rows]) for key in methods} | (
        {"input": np.mean([row["input"] for row in rows])} if rows[0]["input"] is not None else {}
    )


def alternating(picture):
    """How much alternates from pixel to pixel in both directions: the mean magnitude of that difference of luma."""
    y = picture.astype(float).mean(axis=2)
    return np.abs(y[1:, 1:] - y[:-1, 1:] - y[1:, :-1] + y[:-1, :-1]).mean()


@pytest.mark.parametrize(("start", "gan"), [("srresnet", "srgan"), ("esrgan-psnr", "esrgan"), ("esrgan-psnr", "spsr")])
def test_a_critic_makes_its_start_sharper_at_less_than_3_db_and_leaves_no_grid(start, gan, data):
    rows = []
    for path in sorted((data / "benchmark" / "Set14").glob("*.png"))[4:9]:
        prepared = prepare(read_picture(path), parse("x4-bicubic"))
        events = finished(prepared, [start, gan], metrics=("psnr", "gradient-ratio"))
        row = [events[key].metrics[name].value for key in (start, gan) for name in ("psnr", "gradient-ratio")]
        rows.append([*row, alternating(events[gan].picture) / alternating(prepared.reference)])
    psnr, ratio, gan_psnr, gan_ratio, grid = np.mean(rows, axis=0)
    assert psnr - 3 < gan_psnr < psnr
    assert ratio + 0.15 < gan_ratio < 1.1
    assert grid < 1


def test_every_learned_x4_network_without_a_critic_is_clearly_above_bicubic_on_set5(data):
    means = mean_psnr(data, ["bicubic", *X4_MARGINS], "x4-bicubic")
    for key, margin in X4_MARGINS.items():
        assert means[key] - means["bicubic"] >= margin, key


def test_every_same_size_network_is_clearly_above_its_input_on_a_blur_it_was_trained_for(data):
    family = ["deblurgan", "stackedg", "resg", "nonbn-resg", "nonbn-resg-l"]
    means = mean_psnr(data, family, "gaussian:sigma=2", side=176)
    for key in family:
        assert means[key] - means["input"] >= 1, key
    shrunk = mean_psnr(data, ["bicubic", "srnet"], "x4-bicubic")
    assert shrunk["srnet"] - shrunk["bicubic"] >= 1
