"""PSNR, SSIM and GMSD against scikit-image and their definitions written out in loops; the catalogue; which models are used."""

import math
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
import small_models as stand_ins
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from lab import official
from lab.digests import sha256
from lab.errors import LabError
from lab.metrics import EVERY_METRIC, METRICS, Figure, card, four_psnrs, measure, measure_all, screen_name
from lab.metrics.channels import full_luma, rounded, shave, studio_luma
from lab.metrics.gmsd import gmsd
from lab.metrics.models import current, lpips_model, with_niqe_parameters
from lab.metrics.models import own as own_models
from lab.metrics.niqe import niqe
from lab.metrics.ssim import ssim


def pair(height=60, width=75, seed=0):
    """A piece of a photograph, and the same with noise and a shift of brightness."""
    sharp = skimage.data.astronaut()[40 : 40 + height, 170 : 170 + width]
    noise = np.random.default_rng(seed).normal(5, 12, sharp.shape)
    return np.clip(sharp + noise, 0, 255).astype(np.uint8), sharp


# Channels


def test_studio_luma_of_white_black_and_the_primaries_is_that_of_bt_601():
    primaries = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    np.testing.assert_allclose(studio_luma(primaries)[0], [235, 16, 81.481, 144.553, 40.966], atol=1e-9)


def test_studio_luma_equals_scikit_image_s_and_is_not_rounded():
    from skimage.color import rgb2ycbcr

    _, sharp = pair()
    luma = studio_luma(sharp)
    np.testing.assert_allclose(luma, rgb2ycbcr(sharp)[..., 0], atol=1e-9)
    assert np.abs(luma - np.round(luma)).max() > 0.4


def test_full_luma_runs_from_0_to_255():
    ends = np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8)
    np.testing.assert_allclose(full_luma(ends)[0], [255, 0], atol=1e-9)


def test_the_border_is_cut_from_every_side():
    picture = np.arange(7 * 9 * 3).reshape(7, 9, 3)
    np.testing.assert_array_equal(shave(picture, 2), picture[2:5, 2:7])
    np.testing.assert_array_equal(shave(picture, 0), picture)


# PSNR


def test_psnr_equals_its_definition_on_y_without_the_border():
    result, sharp = pair()
    total, count = 0.0, 0
    for row in range(4, 56):
        for column in range(4, 71):
            luma = [
                16 + (65.481 * float(p[0]) + 128.553 * float(p[1]) + 24.966 * float(p[2])) / 255
                for p in (result[row, column], sharp[row, column])
            ]
            total += (luma[0] - luma[1]) ** 2
            count += 1
    expected = 10 * math.log10(255**2 / (total / count))
    assert measure("psnr", result, sharp).value == pytest.approx(expected, abs=1e-9)


def test_psnr_in_rgb_equals_scikit_image_s():
    result, sharp = pair()
    expected = peak_signal_noise_ratio(sharp, result, data_range=255)
    assert measure("psnr", result, sharp, "rgb").value == pytest.approx(expected, abs=1e-9)


def test_a_difference_of_one_step_in_every_value_is_48_13_db():
    picture = np.full((40, 40, 3), 100, np.uint8)
    assert measure("psnr", picture + np.uint8(1), picture, "rgb").value == pytest.approx(48.1308, abs=1e-4)


def test_identical_pictures_have_an_infinite_psnr_a_similarity_of_1_and_no_deviation():
    _, sharp = pair()
    for convention in ("sr", "rgb"):
        assert measure("psnr", sharp, sharp, convention).value == math.inf
        assert measure("ssim", sharp, sharp, convention).value == pytest.approx(1, abs=1e-12)
        assert measure("gmsd", sharp, sharp, convention).value == pytest.approx(0, abs=1e-12)


def test_only_the_border_may_differ_without_a_change_where_the_card_says_that_it_is_cut(small_models):
    result, sharp = pair(240, 250)
    framed = result.copy()
    framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 0, 255, 0, 255
    for key, metric in METRICS.items():
        assert (measure(key, framed, sharp, "sr") == measure(key, result, sharp, "sr")) == metric.cuts_border, key
        if key not in ("niqe", "ma", "pi"):  # NIQE looks at whole blocks alone, which need not reach the edges
            assert measure(key, framed, sharp, "rgb") != measure(key, result, sharp, "rgb"), key


# SSIM


def ssim_by_loops(x, y):
    """SSIM of two (H, W) arrays, each 11x11 window on its own."""
    weights = np.array([[math.exp(-(i * i + j * j) / (2 * 1.5**2)) for j in range(-5, 6)] for i in range(-5, 6)])
    weights /= weights.sum()
    c1, c2 = 6.5025, 58.5225
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            variance_a, variance_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
            above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
            values.append(above / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)))
    return sum(values) / len(values)


def test_ssim_equals_its_definition_written_out():
    result, sharp = (studio_luma(picture) for picture in pair(30, 37))
    assert ssim(result, sharp) == pytest.approx(ssim_by_loops(result, sharp), abs=1e-9)


@pytest.mark.parametrize("convention", ["sr", "rgb"])
def test_ssim_equals_scikit_image_s(convention):
    result, sharp = pair(120, 150)
    options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    if convention == "sr":
        expected = structural_similarity(studio_luma(result[4:-4, 4:-4]), studio_luma(sharp[4:-4, 4:-4]), **options)
    else:
        expected = structural_similarity(result, sharp, channel_axis=2, **options)
    assert measure("ssim", result, sharp, convention).value == pytest.approx(expected, abs=1e-6)


def test_ssim_on_flat_pictures_follows_the_luminance_term():
    dark, light = np.full((32, 32, 3), 50, np.uint8), np.full((32, 32, 3), 100, np.uint8)
    expected = (2 * 50 * 100 + 6.5025) / (50**2 + 100**2 + 6.5025)
    assert measure("ssim", dark, light, "rgb").value == pytest.approx(expected, abs=1e-9)


def test_ssim_is_not_halved_on_large_pictures():
    sharp = skimage.data.astronaut()
    noisy = np.clip(sharp + np.random.default_rng(0).normal(0, 20, sharp.shape), 0, 255).astype(np.uint8)
    options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    halved = [studio_luma(p).reshape(256, 2, 256, 2).mean(axis=(1, 3)) for p in (noisy, sharp)]
    value = measure("ssim", noisy, sharp, border=0).value
    assert value < structural_similarity(*halved, **options) - 0.1


# GMSD


def gmsd_by_loops(x, y):
    """GMSD of two (H, W) arrays, pixel by pixel after Xue et al.: 2x2 means, Prewitt over three, T = 170."""

    def at(a, row, column):
        return a[row][column] if 0 <= row < len(a) and 0 <= column < len(a[0]) else 0.0

    def magnitudes(a):
        rows, columns = math.ceil(len(a) / 2), math.ceil(len(a[0]) / 2)
        small = [
            [sum(at(a, 2 * r + i, 2 * c + j) for i in (0, 1) for j in (0, 1)) / 4 for c in range(columns)] for r in range(rows)
        ]
        result = []
        for r in range(rows):
            for c in range(columns):
                across = sum(at(small, r + i, c + 1) - at(small, r + i, c - 1) for i in (-1, 0, 1)) / 3
                down = sum(at(small, r + 1, c + i) - at(small, r - 1, c + i) for i in (-1, 0, 1)) / 3
                result.append(math.sqrt(across**2 + down**2))
        return result

    similarity = [
        (2 * a * b + 170) / (a * a + b * b + 170) for a, b in zip(magnitudes(x.tolist()), magnitudes(y.tolist()), strict=True)
    ]
    mean = sum(similarity) / len(similarity)
    return math.sqrt(sum((s - mean) ** 2 for s in similarity) / (len(similarity) - 1))


@pytest.mark.parametrize(("height", "width"), [(40, 50), (41, 51)])
def test_gmsd_equals_its_definition_written_out(height, width):
    result, sharp = (full_luma(picture) for picture in pair(height, width))
    assert gmsd(result, sharp) == pytest.approx(gmsd_by_loops(result, sharp), abs=1e-12)


def test_gmsd_sees_full_range_grey_in_both_conventions():
    result, sharp = pair()
    whole = measure("gmsd", result, sharp, "rgb").value
    assert whole == pytest.approx(gmsd(full_luma(result), full_luma(sharp)), abs=1e-12)
    cut = measure("gmsd", result, sharp, "sr", border=4).value
    assert cut == pytest.approx(gmsd(full_luma(result[4:-4, 4:-4]), full_luma(sharp[4:-4, 4:-4])), abs=1e-12)
    assert measure("gmsd", result, sharp, "sr", border=0).value == pytest.approx(whole, abs=1e-12)


# Gradient maps


def gradient_by_loops(x):
    """SPSR's gradient magnitude of the inner pixels of (H, W) in 0..255, in 0..1, written out."""
    rows, columns = x.shape
    return np.array(
        [
            [
                math.sqrt(((x[i + 1, j] - x[i - 1, j]) / 255) ** 2 + ((x[i, j + 1] - x[i, j - 1]) / 255) ** 2 + 1e-6)
                for j in range(1, columns - 1)
            ]
            for i in range(1, rows - 1)
        ]
    )


def test_gradient_figures_are_those_of_the_definition_in_both_conventions():
    result, sharp = pair(30, 41)
    lumas = [studio_luma(shave(picture, 4)) for picture in (result, sharp)]
    channels = [[picture[..., c].astype(float) for c in range(3)] for picture in (result, sharp)]
    for convention, seen in (("sr", [[luma] for luma in lumas]), ("rgb", channels)):
        a, b = (np.stack([gradient_by_loops(plane) for plane in planes]) for planes in seen)
        assert measure("gradient-ratio", result, sharp, convention).value == pytest.approx(a.mean() / b.mean(), rel=1e-9)
        assert measure("gradient-error", result, sharp, convention).value == pytest.approx(255 * np.abs(a - b).mean(), rel=1e-9)


def test_blur_lowers_the_gradient_ratio_and_noise_raises_it_above_1():
    from scipy.ndimage import gaussian_filter

    noisy, sharp = pair()
    blurred = gaussian_filter(sharp, (1, 1, 0))
    assert measure("gradient-ratio", blurred, sharp).value < 0.9
    assert measure("gradient-ratio", noisy, sharp).value > 1.1
    assert measure("gradient-ratio", sharp, sharp).value == 1
    assert measure("gradient-error", sharp, sharp).value == 0


def test_edges_in_the_wrong_place_raise_the_gradient_error_though_the_ratio_stays():
    _, sharp = pair()
    moved = np.roll(sharp, 2, axis=1)
    assert measure("gradient-ratio", moved, sharp).value == pytest.approx(1, abs=0.05)
    assert measure("gradient-error", moved, sharp).value > 5


def test_overshoot_counts_the_pixels_beyond_the_range_of_the_original_around_them():
    sharp = np.full((20, 32, 3), 60, np.uint8)
    sharp[:, 16:] = 180  # an edge between columns 15 and 16
    result = sharp.copy()
    assert measure("overshoot", result, sharp, "rgb").value == 0
    result[:, 18, 1] = 189  # a bright line in one channel, near the edge
    result[:, 13] = 180  # as bright as the other side, which begins three pixels away
    result[:, 12] = 69  # four pixels away from it
    result[0, 0] = 68  # 8 steps beyond do not count
    assert measure("overshoot", result, sharp, "rgb").value == pytest.approx(100 * 2 / 32)
    assert measure("overshoot", result, sharp, "sr").value == 0  # 9 steps of RGB are fewer of luma in 16 to 235


def test_a_sharpened_picture_overshoots_and_a_blurred_one_does_not():
    from scipy.ndimage import gaussian_filter

    _, sharp = pair()
    soft = gaussian_filter(sharp.astype(float), (1, 1, 0))
    oversharp = (sharp + 3 * (sharp - soft)).clip(0, 255).astype(np.uint8)
    assert measure("overshoot", soft.astype(np.uint8), sharp, "rgb").value < 0.1
    assert measure("overshoot", oversharp, sharp, "rgb").value > 5


def test_a_flat_original_divides_by_no_zero():
    flat = np.full((40, 40, 3), 90, np.uint8)
    assert measure("gradient-ratio", flat, flat).value == 1


# The catalogue


def test_more_blur_is_worse_in_the_direction_every_card_names():
    from scipy.ndimage import gaussian_filter

    sharp = skimage.data.chelsea()
    slight, strong = (gaussian_filter(sharp, (s, s, 0)) for s in (0.7, 2.0))
    for key, metric in METRICS.items():
        first, second = measure(key, slight, sharp), measure(key, strong, sharp)
        if first.value is None:  # a model or a package that is not here
            assert "model" in first.why_not or "install" in first.why_not, key
            continue
        assert first.value > second.value if metric.better == "higher" else first.value < second.value, key


def test_a_figure_names_its_convention():
    result, sharp = pair()
    for convention in ("sr", "rgb"):
        figure = measure("psnr", result, sharp, convention)
        assert (figure.convention, figure.variant, figure.why_not) == (convention, "", "")


def test_without_an_original_only_metrics_that_need_none_have_values(small_models):
    result, _ = pair(240, 250)
    for key, metric in EVERY_METRIC.items():
        figure = measure(key, result, None)
        assert (figure.value is None) == metric.needs_reference
        assert figure.why_not == ("There is no sharp original to compare with." if metric.needs_reference else "")


def test_a_picture_too_small_for_the_window_has_a_reason_instead_of_a_value():
    result, sharp = pair(18, 30)
    assert measure("ssim", result, sharp, border=3).value is not None
    figure = measure("ssim", result, sharp, border=4)
    assert figure.value is None
    sentence = "SSIM needs at least 11x11; the picture is 22x10 once 4 pixels are cut from every side."
    assert figure.why_not == sentence
    assert measure("psnr", result, sharp, border=9).value is None
    assert measure("psnr", result, sharp, border=40).value is None


@pytest.mark.parametrize("key", [key for key, metric in EVERY_METRIC.items() if metric.least_side > 1])
def test_the_least_size_a_card_names_is_enough_and_one_less_is_not(key):
    side = EVERY_METRIC[key].least_side
    result, sharp = pair(side, side)
    assert math.isfinite(measure(key, result, sharp, "rgb").value)
    assert f"needs at least {side}x{side}" in measure(key, result[1:], sharp[1:], "rgb").why_not


def test_a_picture_too_small_for_blocks_or_networks_says_why(small_models):
    result, sharp = pair(60, 75)
    for key in ("niqe", "ma", "pi"):
        figure = measure(key, result, sharp)
        assert figure.value is None
        assert "67x52 once 4 pixels are cut from every side" in figure.why_not
        assert ("NIQE needs" if key == "niqe" else "Ma needs at least 64x64") in figure.why_not
        assert "cut" not in measure(key, result, sharp, "rgb").why_not
        nothing_left = measure(key, result, sharp, border=1000).why_not
        assert "0x0 once 1000 pixels are cut" in nothing_left
        assert "1x1" not in nothing_left
    assert measure("lpips", result[:4], sharp[:4]).value is None


def test_a_flat_picture_has_a_reason_and_not_a_number(small_models):
    flat = np.full((240, 250, 3), 90, np.uint8)
    figure = measure("niqe", flat, flat)
    assert figure.value is None
    assert "flat" in figure.why_not


def test_unknown_names_and_unlike_sizes_are_refused_with_a_sentence():
    result, sharp = pair()
    with pytest.raises(ValueError, match="choose among psnr, ssim, ms-ssim, lpips, niqe, ma, pi, gmsd, flip"):
        measure("vibes", result, sharp)
    with pytest.raises(ValueError, match="choose sr or rgb"):
        measure("psnr", result, sharp, "hsv")
    with pytest.raises(ValueError, match="75x59 and the original 75x60"):
        measure("psnr", result[1:], sharp)


# Models


def test_the_lab_s_own_models_go_by_names_of_their_own(small_models):
    names = [screen_name(key) for key in METRICS]
    assert names == ["PSNR", "SSIM", "MS-SSIM", "LPIPS-lab", "NIQE-lab", "Ma-lab", "PI-lab", "GMSD", "FLIP"]
    result, sharp = pair(240, 250)
    figures = measure_all(METRICS, result, sharp)
    assert {key: figure.variant for key, figure in figures.items() if figure.variant} == dict.fromkeys(
        ("lpips", "niqe", "ma", "pi"), "lab"
    )


def test_niqe_sees_whole_numbers_of_y_without_the_border_or_of_grey(small_models):
    from lab.metrics.models import niqe_model

    result, _ = pair(240, 250)
    model = niqe_model(current().niqe)
    seen = {"sr": rounded(studio_luma(shave(result, 4))), "rgb": rounded(full_luma(result))}
    for convention, luma in seen.items():
        assert np.all(luma == np.round(luma))
        assert measure("niqe", result, None, convention).value == niqe(luma, model)


def test_pi_is_half_of_niqe_and_what_ma_lacks_of_ten(small_models):
    result, _ = pair(240, 250)
    for convention in ("sr", "rgb"):
        niqe_, ma, pi = (measure(key, result, None, convention).value for key in ("niqe", "ma", "pi"))
        assert pi == pytest.approx(((10 - ma) + niqe_) / 2, abs=1e-12)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["niqe"], ["NIQE", "Ma-lab", "PI-lab", "LPIPS-lab"]),
        (["ma"], ["NIQE-lab", "Ma", "PI-lab", "LPIPS-lab"]),
        (["niqe", "ma"], ["NIQE", "Ma", "PI", "LPIPS-lab"]),
        (["alexnet"], ["NIQE-lab", "Ma-lab", "PI-lab", "LPIPS"]),
    ],
)
def test_official_files_are_used_as_soon_as_they_are_there(small_models, files, names):
    result, sharp = pair(240, 250)
    keys = ("niqe", "ma", "pi", "lpips")
    before, digest = measure_all(keys, result, sharp), current().digest
    for file in files:
        stand_ins.write_official(file)
    assert [screen_name(key) for key in keys] == names
    after = measure_all(keys, result, sharp)
    for key, name in zip(keys, names, strict=True):
        assert after[key].variant == ("lab" if name.endswith("-lab") else "official")
        assert after[key].value is not None
        if name.endswith("-lab"):
            assert after[key] == before[key]
    assert current().digest != digest


def test_a_digest_changes_with_the_contents_of_every_model(small_models):
    def other_bytes(path):
        path.write_bytes(path.read_bytes() + b" ")

    own = small_models / "lab"
    for key in ("niqe", "ma", "alexnet"):
        stand_ins.write_official(key)
    seen = [current().digest]
    # the lab's own of PI-lab count though official ones are in use, and Ma's official file, which has no known hash, by its state
    for path in (own / "niqe.safetensors", own / "ma.safetensors", official.place("ma")):
        other_bytes(path)
        seen.append(current().digest)
    assert len(set(seen)) == 4


def test_a_copy_of_a_file_with_a_known_hash_is_the_same_model(small_models, monkeypatch):
    path = stand_ins.write_official("niqe")
    monkeypatch.setitem(official.OFFICIAL, "niqe", replace(official.OFFICIAL["niqe"], sha256=sha256(path)))
    before = current().digest
    os.utime(path, ns=(1, 1))
    assert current().digest == before


@pytest.mark.parametrize(
    ("fetched", "gone", "have", "command"),
    [
        ("ma", "ma", "NIQE-lab and the official Ma", "weights fetch niqe"),
        ("niqe", "niqe", "the official NIQE and Ma-lab", "weights fetch ma"),
    ],
)
def test_pi_says_which_parts_do_not_go_together(small_models, fetched, gone, have, command):
    stand_ins.write_official(fetched)
    (small_models / "lab" / f"{gone}.safetensors").unlink()
    figure = measure("pi", pair(240, 250)[0], None)
    assert figure.value is None
    assert "both official or both the lab's own" in figure.why_not
    assert have in figure.why_not
    assert command in figure.why_not


def test_pi_of_one_official_part_takes_both_parts_from_the_lab(small_models):
    from scipy.io import savemat

    result, _ = pair(240, 250)
    before = measure("pi", result, None)
    path = official.place("niqe")
    path.parent.mkdir(parents=True)
    savemat(path, {"mu_prisparam": np.full((1, 36), 9.0), "cov_prisparam": np.eye(36)})
    assert measure("niqe", result, None).value != pytest.approx(before.value, abs=1)
    assert measure("pi", result, None) == before


def test_a_choice_of_models_stays_what_it_was_when_files_arrive(small_models):
    result, sharp = pair(240, 250)
    chosen = current()
    before = measure_all(("niqe", "pi", "lpips"), result, sharp, models=chosen)
    for key in ("niqe", "ma", "alexnet"):
        stand_ins.write_official(key)
    assert measure_all(("niqe", "pi", "lpips"), result, sharp, models=chosen) == before


def test_without_any_model_the_figure_says_which_command_brings_one(small_models):
    for file in (small_models / "lab").iterdir():
        file.unlink()
    result, sharp = pair(240, 250)
    for key, command in (("niqe", "weights fetch niqe"), ("ma", "metrics train-ma"), ("pi", "fetch"), ("lpips", "fetch alexnet")):
        figure = measure(key, result, sharp)
        assert figure.value is None
        assert command in figure.why_not
    assert screen_name("pi") == "PI"


def test_a_damaged_model_is_a_reason_and_not_a_traceback(small_models):
    (small_models / "lab" / "niqe.safetensors").write_bytes(b"rubbish")
    result, _ = pair(240, 250)
    figure = measure("niqe", result, None)
    assert figure.value is None
    assert "niqe.safetensors" in figure.why_not


def test_own_niqe_parameters_take_the_place_of_both_kinds(small_models, tmp_path):
    from safetensors.numpy import save_file

    own = tmp_path / "own.safetensors"
    save_file({"mean": np.full(36, 9.0), "covariance": np.eye(36)}, own)
    result, _ = pair(240, 250)
    models = with_niqe_parameters(current(), own)
    assert measure("niqe", result, None, models=models) != measure("niqe", result, None)
    assert measure("pi", result, None, models=models).value > measure("pi", result, None).value


def test_parameters_that_are_not_the_authors_never_go_by_the_official_names(small_models, tmp_path, monkeypatch):
    from scipy.io import savemat

    stand_ins.write_official("ma")
    mat = stand_ins.write_official("niqe")
    monkeypatch.setitem(official.OFFICIAL, "niqe", replace(official.OFFICIAL["niqe"], sha256=sha256(mat)))
    own, other = tmp_path / "own.mat", tmp_path / "OWN.SAFETENSORS"
    savemat(own, {"mu_prisparam": np.full((1, 36), 9.0), "cov_prisparam": np.eye(36)})
    other.write_bytes((small_models / "lab" / "niqe.safetensors").read_bytes())
    assert [screen_name(key, with_niqe_parameters(current(), mat)) for key in ("niqe", "pi")] == ["NIQE", "PI"]
    for file in (own, other):
        models = with_niqe_parameters(current(), file)
        assert [screen_name(key, models) for key in ("niqe", "pi")] == ["NIQE-lab", "PI-lab"]
        assert measure("niqe", pair(240, 250)[0], None, models=models).value > 0
    with pytest.raises(LabError, match=r"there is no file .*gone\.mat"):
        with_niqe_parameters(current(), tmp_path / "gone.mat")


def test_checks_of_the_lab_s_own_models_run_on_them_though_official_ones_are_there(small_models):
    for key in ("niqe", "ma", "alexnet"):
        stand_ins.write_official(key)
    assert {current().variant(key) for key in ("niqe", "ma", "lpips", "pi")} == {"official"}
    checked = own_models(current(), "niqe", "ma", "lpips")
    assert {checked.variant(key) for key in ("niqe", "ma", "lpips")} == {"lab"}
    (small_models / "lab" / "ma.safetensors").unlink()
    with pytest.raises(LabError, match="There is no Ma-lab here to check: run python -m lab metrics train-ma"):
        own_models(current(), "ma")


def test_flip_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    result, sharp = pair()
    assert "pip install flip-evaluator" in measure("flip", result, sharp).why_not


def test_the_reference_s_features_are_computed_once_for_seven_results(small_models, monkeypatch):
    _, sharp = pair(100, 120)
    model = lpips_model(current().lpips)
    seen = []
    real = model._tile
    monkeypatch.setattr(model, "_tile", lambda picture, *place: seen.append(picture is sharp) or real(picture, *place))
    for seed in range(7):
        model.distance(pair(100, 120, seed)[0], sharp)
    assert seen.count(True) == 1
    assert seen.count(False) == 7


# Cards and conventions


def test_every_figure_has_a_card_that_says_what_it_is(small_models):
    for key in METRICS:
        told = dict(card(key))
        assert {"measures", "better", "needs", "numbers", "defined by"} <= set(told)
        assert told["better"].startswith(METRICS[key].better)
        assert ("model" in told) == (key in ("lpips", "niqe", "ma", "pi"))
    assert "not comparable" in dict(card("niqe"))["model"]
    stand_ins.write_official("niqe")
    assert "official" in dict(card("niqe"))["model"]


def test_the_same_pixels_have_four_psnrs_each_under_its_own_label():
    result, sharp = pair(120, 150)
    values = dict(four_psnrs(result, sharp, border=6))
    whole = [studio_luma(picture) for picture in (result, sharp)]
    cut = [luma[6:-6, 6:-6] for luma in whole]
    options = {"data_range": 255}
    expected = {
        "luma 16 to 235, 6 px border cut": peak_signal_noise_ratio(*cut, **options),
        "the same, luma rounded": peak_signal_noise_ratio(*(np.floor(luma + 0.5) for luma in cut), **options),
        "luma 16 to 235, whole picture": peak_signal_noise_ratio(*whole, **options),
        "RGB, whole picture": peak_signal_noise_ratio(result, sharp, **options),
    }
    assert values == pytest.approx(expected, abs=1e-9)
    assert len({round(value, 6) for value in values.values()}) == 4


def test_the_cards_of_niqe_ma_and_pi_name_the_luma_of_each_convention(small_models):
    for key in ("niqe", "ma", "pi"):
        sr, rgb = METRICS[key].channels
        assert "16 to 235, rounded" in sr
        assert "grey of rgb2gray in 0 to 255, rounded" in rgb
        assert dict(card(key))["numbers"] == f"in sr {sr}, 4 pixels cut from every side; in rgb {rgb}, the whole picture"


def test_metrics_without_a_border_have_one_value_in_both_conventions(small_models):
    result, sharp = pair(100, 120)
    for key in ("lpips", "flip"):
        sr, rgb = measure(key, result, sharp, "sr"), measure(key, result, sharp, "rgb")
        assert sr == Figure(rgb.value, "sr", rgb.variant, rgb.why_not)
