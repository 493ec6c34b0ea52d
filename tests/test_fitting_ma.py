"""How Ma-lab is made: versions, scores by consensus, forests, the scale, and the whole of it on a few small pictures."""

import numpy as np
import pytest
from conftest import textured_picture

from lab.degrade import Degradation, blur, degrade, gaussian_kernel
from lab.fitting import ma_samples, ma_versions
from lab.fitting.ma import train_ma
from lab.fitting.ma_anchor import PUBLISHED_PI, Anchor, stretch, stretched
from lab.fitting.ma_check import measured, verdicts
from lab.fitting.ma_consensus import HIGHER_IS_BETTER, WEIGHTS, consensus, texture_distance
from lab.fitting.ma_forests import at_other_sizes, grow
from lab.fitting.ma_versions import versions
from lab.fitting.verdict import Verdict
from lab.images import PictureError, to_picture, to_tensor, write_png
from lab.metrics import measure
from lab.metrics.channels import full_luma
from lab.metrics.ma import MaError, ma, read_lab
from lab.metrics.ma_pca import pca_features
from lab.metrics.models import NoModelError, current


@pytest.fixture
def few_methods(monkeypatch):
    """Interpolations alone: networks take seconds."""
    for module in (ma_versions, ma_samples):
        monkeypatch.setattr(module, "methods_here", lambda: (["nearest", "bicubic"], []))


def test_versions_are_drawn_by_the_seed_and_begin_with_the_original(few_methods):
    picture = textured_picture(200, 240)
    first, again, other = (dict(versions(picture, np.random.default_rng(seed), "cpu")) for seed in (1, 1, 2))
    assert next(iter(first)) == "original"
    assert list(first) == list(again)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert len({version.shape for version in first.values()}) == 1
    assert min(first["original"].shape[:2]) >= ma_versions.LEAST_SIDE
    assert not np.array_equal(first["noise"][:100, :100], other["noise"][:100, :100])
    top, left = np.argwhere(
        [[np.array_equal(picture[y : y + 8, x : x + 8], first["original"][:8, :8]) for x in range(233)] for y in range(193)]
    )[0]
    height, width = first["original"].shape[:2]
    assert np.array_equal(picture[top : top + height, left : left + width], first["original"])


def test_all_methods_that_enlarge_take_part(monkeypatch):
    monkeypatch.setattr(ma_versions, "_degradations", lambda *_: iter(()))
    small, same = ma_versions.methods_here()
    made = dict(versions(textured_picture(180, 180), np.random.default_rng(0), "cpu"))
    assert set(small) <= set(made)
    assert {"bicubic", "srresnet", "esrgan", "spsr"} <= set(small)
    assert len(set(same) & set(made)) == 1


def test_texture_counts_for_what_it_is_and_not_for_where_its_grains_lie():
    rng = np.random.default_rng(0)
    flat = np.full((160, 160), 120.0)
    grain = rng.normal(0, 12, flat.shape)
    reference = flat + grain
    assert texture_distance(reference, reference) == 0
    elsewhere = texture_distance(flat + grain[::-1], reference)
    weaker, smooth = texture_distance(flat + grain / 2, reference), texture_distance(flat, reference)
    assert elsewhere < weaker / 2 < smooth / 2
    assert texture_distance(flat + 2 * grain, reference) == pytest.approx(weaker, rel=0.15)


def test_the_consensus_puts_the_original_on_top_and_grades_blur():
    picture = textured_picture(180, 180)
    x = to_tensor(picture)
    blurred = [to_picture(degrade(x, Degradation("gaussian", sigma))) for sigma in (0.6, 1, 2, 4)]
    shown = [picture, *blurred]
    keys = [key for key in HIGHER_IS_BETTER if key not in ("texture", "lpips")]
    figures = {key: np.array([measure(key, one, picture).value for one in shown]) for key in keys}
    figures["texture"] = np.array([texture_distance(full_luma(one), full_luma(picture)) for one in shown])
    scores = consensus(figures, np.zeros(5, int))
    assert scores[0] == 10
    assert (np.diff(scores) < 0).all()


def test_the_consensus_weighs_ranks_over_all_and_within_a_picture_alike():
    picture = np.array([0, 0, 1, 1])
    figures = {"ssim": np.array([0.9, 0.8, 0.7, 0.6])}
    np.testing.assert_allclose(consensus(figures, picture), 10 * np.array([(1 + 1) / 2, (2 / 3) / 2, (1 / 3 + 1) / 2, 0]))
    both = {**figures, "lpips": np.array([0.4, 0.1, 0.2, 0.3])}
    lpips = 10 * np.array([0, 1, (2 / 3 + 1) / 2, (1 / 3) / 2])
    weight = WEIGHTS["lpips"] / (WEIGHTS["lpips"] + WEIGHTS["ssim"])
    np.testing.assert_allclose(consensus(both, picture), weight * lpips + (1 - weight) * consensus(figures, picture))


def test_what_forgives_texture_outweighs_what_prefers_it_smooth():
    assert WEIGHTS["lpips"] + WEIGHTS["texture"] > sum(WEIGHTS.values()) / 2
    assert set(WEIGHTS) == set(HIGHER_IS_BETTER)


def test_forests_are_exported_as_they_were_grown():
    pytest.importorskip("sklearn")
    from lab.fitting.ma_forests import _regressor

    rng = np.random.default_rng(3)
    features = rng.normal(size=(240, 138))
    picture = np.repeat(np.arange(12), 20)
    scores = 5 + features[:, 0] + 2 * features[:, 30] + rng.normal(0, 0.1, 240)
    grown = grow(features, scores, picture, trees=12, seed=4)
    for forest, part in zip(grown.forests, (slice(0, 18), slice(18, 63), slice(63, 138)), strict=True):
        regressor = _regressor(12, 4).fit(features[:, part], scores)
        expected = regressor.predict(features[:, part])
        np.testing.assert_allclose([forest.predict(row) for row in features[:, part]], expected, atol=1e-5)
    assert np.corrcoef(grown.held_out, scores)[0, 1] > 0.8
    assert (grown.linear[1:] >= 0).all()
    assert grown.linear[3] < 0.2 < grown.linear[1]  # the third family is noise here, the first is not


def test_features_at_another_size_are_those_of_a_picture_of_that_size():
    luma = full_luma(textured_picture(80, 100)).round()
    once, tiled = (pca_features(np.tile(luma, (repeat, repeat))) for repeat in (1, 2))
    np.testing.assert_allclose(tiled, 2 * once)
    features = np.random.default_rng(0).random((50, 138)) + 1
    resized = at_other_sizes(features, seed=1) / features
    assert (resized[:, :63] == 1).all()
    np.testing.assert_allclose(resized[:, 63:], resized[:, [63]] * np.ones(75))
    assert 0.7 < resized[:, 63].min() < 1 < 3 < resized[:, 63].max() <= 4


def test_one_picture_alone_teaches_nothing():
    pytest.importorskip("sklearn")
    with pytest.raises(MaError, match="folder with more"):
        grow(np.zeros((5, 138)), np.zeros(5), np.zeros(5, int), trees=2, seed=0)


def test_the_scale_brings_bicubic_to_its_published_mean_and_leaves_the_original_at_ten():
    found = {"a": Anchor(3.5, 8, 2.0), "b": Anchor(3.9, 8, 2.6)}
    linear = np.array([0.3, 0.2, 0.5, 0.1])
    new = stretched(linear, stretch(found))

    def score(weights, answers):
        return weights[0] + weights[1:] @ answers

    def answers_for(value):
        return np.array([0, (value - 0.3) / 0.5, 0])

    assert score(new, answers_for(10.0)) == pytest.approx(10)
    assert np.mean([score(new, answers_for(anchor.scored)) for anchor in found.values()]) == pytest.approx(3.7)


def table(**pi):
    return {"Set14": {name: {"niqe": 5.0, "ma": 5.0, "pi": value} for name, value in pi.items()}}


def test_the_check_says_what_does_not_hold():
    good = list(verdicts(table(bicubic=7.2, srresnet=5.5, srgan=3.0, esrgan=2.8, spsr=2.9)))
    assert [verdict.holds for verdict in good] == [True] * 5
    bad = list(verdicts(table(bicubic=7.6, srresnet=5.5, srgan=5.6, esrgan=2.8, spsr=None)))
    assert Verdict("Set14: srresnet above srgan", False) in bad
    assert [verdict.holds for verdict in bad] == [True, False, True, False, False]


def test_a_method_that_could_not_be_run_fails_the_check():
    found = list(verdicts(table(bicubic=7.2, srresnet=5.5, srgan=3.0, spsr=2.9)))
    assert [verdict for verdict in found if not verdict.holds] == [
        Verdict("Set14: srresnet above esrgan (no value of esrgan)", False)
    ]


def test_without_a_model_of_the_lab_s_the_check_says_how_to_make_one_before_any_network_runs(small_models, tmp_path, monkeypatch):
    (small_models / "lab" / "ma.safetensors").unlink()
    monkeypatch.setattr("lab.fitting.ma_check.score", lambda *_: pytest.fail("a network would run"))
    for name in ("Set14", "BSD100"):
        write_png(textured_picture(64, 64), tmp_path / name / "0.png")
    with pytest.raises(NoModelError, match="metrics train-ma FOLDER --benchmark FOLDER"):
        measured(tmp_path)


def test_pictures_of_one_name_in_two_folders_are_kept_apart(tmp_path, few_methods):
    parts = []
    for seed, name in enumerate(("one", "two")):
        path = write_png(textured_picture(180, 180, seed), tmp_path / name / "a.png")
        parts.append(ma_samples.collect([path], tmp_path / "work", 0, current(), "cpu", lambda done, of: None))
    assert not np.array_equal(parts[0].features, parts[1].features)
    assert len(list((tmp_path / "work").glob("a-*.npz"))) == 2


@pytest.fixture
def training(tmp_path):
    """Six pictures to learn from, two in each benchmark set, and a NIQE model in the authors' layout."""
    from scipy.io import savemat

    for i in range(6):
        write_png(textured_picture(184, 180 + 4 * i, seed=i), tmp_path / "sharp" / f"{i}.png")
    for number, name in enumerate(PUBLISHED_PI):
        for i in range(2):
            noise = np.random.default_rng([number, i]).normal(0, 1, (212, 212, 3))
            grainy = blur(to_tensor(textured_picture(212, 212, seed=50 + i)), gaussian_kernel(0.7)) * 255
            picture = np.clip(grainy[0].permute(1, 2, 0).numpy() + 6 * noise, 0, 255).astype(np.uint8)
            write_png(picture, tmp_path / "benchmark" / name / f"{i}.png")
    parameters = {"mu_prisparam": np.full((1, 36), 0.5), "cov_prisparam": np.eye(36)}
    savemat(tmp_path / "niqe.mat", parameters)
    return tmp_path


def train(folder, **more):
    return train_ma(
        folder / "sharp", folder / "ma.safetensors", folder / "benchmark", folder / "niqe.mat", folder / "work",
        **{"trees": 6, "device": "cpu", **more},
    )  # fmt: skip


def test_a_whole_run_writes_a_model_with_its_card_and_goes_on_where_it_was_broken_off(training, few_methods, monkeypatch):
    pytest.importorskip("sklearn")
    told = []

    def broken_off(what, done, of):
        told.append((what, done, of))
        if (what, done) == ("pictures", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(training, progress=broken_off)
    assert told == [("pictures", 0, 6), ("pictures", 1, 6), ("pictures", 2, 6)]
    assert not (training / "ma.safetensors").exists()

    made = []
    measure = ma_samples._measure
    monkeypatch.setattr(ma_samples, "_measure", lambda path, *more: (made.append(path.name), measure(path, *more))[1])
    card = train(training)
    assert made == ["2.png", "3.png", "4.png", "5.png"]

    model = read_lab(training / "ma.safetensors")
    assert [len(forest.sizes) for forest in model.forests] == [6, 6, 6]
    picture = to_tensor(textured_picture(184, 184, seed=77))
    sharp, soft = (
        ma(full_luma(to_picture(one)).round(), model) for one in (picture, degrade(picture, Degradation("gaussian", 3)))
    )
    assert sharp > soft + 1
    sets = card["scale"]["sets"]
    assert np.mean([one["ma_lab"] for one in sets.values()]) == pytest.approx(
        np.mean([one["published_ma"] for one in sets.values()]), abs=0.01
    )
    assert card["data"].startswith(f"{6 * len(np.load(next((training / 'work').glob('0-*.npz')))['names'])} versions of 6")

    assert card["pictures"] == 6
    assert card["command"] == "python -m lab metrics train-ma sharp --benchmark benchmark --trees 6"

    made.clear()
    assert train(training) == card
    assert made == []


def test_a_picture_too_small_to_learn_from_is_named(training, few_methods):
    pytest.importorskip("sklearn")
    write_png(textured_picture(100, 300), training / "sharp" / "0.png")
    with pytest.raises(PictureError, match=r"0\.png is too small"):
        train(training)


def test_what_was_measured_belongs_to_the_checkpoints_it_was_made_with(monkeypatch):
    before = ma_samples.recipe(0, current())
    assert ma_samples.recipe(0, current()) == before
    assert ma_samples.recipe(1, current()) != before
    monkeypatch.setattr(ma_samples, "sha256", lambda path: "another")
    assert ma_samples.recipe(0, current()) != before
