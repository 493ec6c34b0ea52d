"""NIQE: its definition written out, its models and their fitting."""

import json
import math
from functools import lru_cache

import numpy as np
import pytest
import torch
from conftest import ROOT, textured_picture
from safetensors.numpy import save_file
from scipy.io import savemat

from lab.errors import LabError
from lab.fitting.niqe import fit_niqe
from lab.fitting.niqe_check import LEVELS, Agreement, CheckError, Graded, agreement, distorted, graded, verdict
from lab.images import read_picture, to_picture, to_tensor, write_png
from lab.metrics import niqe as room
from lab.metrics.channels import eight_bit_luma, full_luma, studio_luma
from lab.metrics.niqe import NiqeError, NiqeModel, features, fit, niqe, read_lab, read_official, why_not
from lab.resize import resize

SHIPPED = ROOT / "checkpoints" / "niqe.safetensors"

# The definition, written out


def grey(name, top, left, height, width):
    """Part of an example picture as 8-bit grey."""
    picture = read_picture(ROOT / "assets" / "examples" / f"{name}.png")
    return np.floor(full_luma(picture[top : top + height, left : left + width]) + 0.5)


def half_constant():
    whole = grey("chelsea", 60, 40, 192, 192)
    whole[:, 96:] = 235
    return whole


PICTURES = {
    "a cat": lambda: grey("chelsea", 100, 100, 96, 192),
    "coffee, with pixels left over": lambda: grey("coffee", 50, 100, 103, 211),
    "a rocket before a smooth sky": lambda: grey("rocket", 20, 150, 200, 200),
    "gravel": lambda: grey("gravel", 0, 0, 192, 96),
    "half constant": half_constant,
}


def clamp(i, n):
    return min(max(i, 0), n - 1)


def mirror(i, n):
    return -1 - i if i < 0 else 2 * n - 1 - i if i >= n else i


def normalised_by_loops(image):
    """MSCN coefficients: direct 7x7 sums, pixel by pixel, the border repeated."""
    weight = [[math.exp(-(y * y + x * x) / (2 * (7 / 6) ** 2)) for x in range(-3, 4)] for y in range(-3, 4)]
    total = sum(map(sum, weight))
    taps = [(y - 3, x - 3, weight[y][x] / total) for y in range(7) for x in range(7)]
    rows, columns = len(image), len(image[0])
    result = []
    for r in range(rows):
        line = []
        for c in range(columns):
            mean = square = 0.0
            for y, x, w in taps:
                value = image[clamp(r + y, rows)][clamp(c + x, columns)]
                mean += w * value
                square += w * value * value
            difference = image[r][c] - mean
            difference = 0.0 if abs(difference) < 1e-9 else difference
            line.append(difference / (math.sqrt(abs(square - mean * mean)) + 1))
        result.append(line)
    return result


def halved_by_loops(image):
    """imresize(image, 0.5): rows, then columns; output i sits at 2 i - 0.5 (counted from 1), kernel h(x / 2) / 2."""

    def h(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    def halved_rows(lines):
        n, result = len(lines), []
        for i in range(1, n // 2 + 1):
            place = 2 * i - 0.5
            first = math.floor(place - 4)
            weights = [h((place - (first + k)) / 2) / 2 for k in range(10)]
            taps = [(w / sum(weights), mirror(first + k - 1, n)) for k, w in enumerate(weights) if w]
            result.append([sum(w * lines[j][c] for w, j in taps) for c in range(len(lines[0]))])
        return result

    def turned(lines):
        return [list(column) for column in zip(*lines, strict=True)]

    return turned(halved_rows(turned(halved_rows(image))))


GRID = [0.2 + 0.001 * k for k in range(9801)]
R_OF_GRID = np.array([math.gamma(2 / g) ** 2 / (math.gamma(1 / g) * math.gamma(3 / g)) for g in GRID])


def fitted_by_loops(values):
    """alpha, left beta, right beta of a list of numbers."""
    below, above = [v for v in values if v < 0], [v for v in values if v > 0]
    left = math.sqrt(sum(v * v for v in below) / len(below)) if below else math.nan
    right = math.sqrt(sum(v * v for v in above) / len(above)) if above else math.nan
    if below and above:
        h = left / right
        moments = (sum(map(abs, values)) / len(values)) ** 2 / (sum(v * v for v in values) / len(values))
        wanted = moments * (h**3 + 1) * (h + 1) / (h**2 + 1) ** 2
        alpha = GRID[int(np.argmin((R_OF_GRID - wanted) ** 2))]
    else:
        alpha = 0.2
    scale = math.sqrt(math.gamma(1 / alpha) / math.gamma(3 / alpha))
    return alpha, left * scale, right * scale


def block_by_loops(d, top, left, side):
    """The 18 features of one block."""
    block = [[d[top + r][left + c] for c in range(side)] for r in range(side)]
    alpha, bl, br = fitted_by_loops([v for line in block for v in line])
    result = [alpha, (bl + br) / 2]
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        products = [block[r][c] * block[(r - dy) % side][(c - dx) % side] for r in range(side) for c in range(side)]
        alpha, bl, br = fitted_by_loops(products)
        result += [alpha, (br - bl) * math.gamma(2 / alpha) / math.gamma(1 / alpha), bl, br]
    return result


@lru_cache
def features_by_loops(name):
    """The 36 features of every block of one of PICTURES."""
    array = PICTURES[name]()
    rows, columns = array.shape[0] // 96, array.shape[1] // 96
    image = array[: 96 * rows, : 96 * columns].tolist()
    full, half = normalised_by_loops(image), normalised_by_loops(halved_by_loops(image))
    return [
        block_by_loops(full, 96 * r, 96 * c, 96) + block_by_loops(half, 48 * r, 48 * c, 48)
        for r in range(rows)
        for c in range(columns)
    ]


def niqe_by_loops(rows, model):
    whole = [row for row in rows if not any(map(math.isnan, row))]
    mean = []
    for column in zip(*rows, strict=True):
        numbers = [value for value in column if not math.isnan(value)]
        mean.append(sum(numbers) / len(numbers))
    centre = [sum(column) / len(whole) for column in zip(*whole, strict=True)]
    covariance = np.zeros((36, 36))
    for i in range(36):
        for j in range(36):
            products = [(row[i] - centre[i]) * (row[j] - centre[j]) for row in whole]
            covariance[i, j] = sum(products) / (len(whole) - 1)
    apart = model.mean - np.array(mean)
    return math.sqrt(apart @ np.linalg.pinv((model.covariance + covariance) / 2) @ apart)


@pytest.mark.parametrize("name", PICTURES)
def test_features_equal_the_definition_written_out(name):
    expected = np.array(features_by_loops(name))
    found = features(PICTURES[name]())
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", PICTURES)
def test_niqe_lab_equals_the_definition_written_out(name):
    model = read_lab(SHIPPED)
    assert niqe(PICTURES[name](), model) == pytest.approx(niqe_by_loops(features_by_loops(name), model), abs=1e-6)


@pytest.fixture(scope="module")
def official(data):
    path = data / "niqe" / "modelparameters.mat"
    if not path.is_file():
        pytest.skip("the authors' model is not here")
    return read_official(path)


@pytest.mark.parametrize("name", PICTURES)
def test_official_niqe_equals_the_definition_written_out(name, official):
    assert niqe(PICTURES[name](), official) == pytest.approx(niqe_by_loops(features_by_loops(name), official), abs=1e-6)


def test_the_baboon_s_y_has_the_value_matlab_gives(data, official):
    baboon = read_picture(data / "benchmark" / "Set14" / "img_001.png")
    assert niqe(np.floor(studio_luma(baboon) + 0.5), official) == pytest.approx(5.72957338, abs=1e-5)


def test_half_size_is_the_lab_s_own_bicubic_in_double_precision():
    image = 255.0 * np.random.default_rng(0).integers(0, 2, (96, 192))
    expected = resize(torch.from_numpy(image)[None, None], (48, 96))[0, 0].numpy()
    assert expected.dtype == np.float64
    found = room._halve(image)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)
    assert found.min() < 0  # not clipped
    assert (found % 1).any()  # not rounded


@pytest.mark.parametrize(
    ("kind", "end"),
    [("two values", 10.0), ("one spike on each side", 0.2), ("between", None)],
)
def test_the_search_in_the_table_finds_what_looking_at_every_entry_finds(kind, end):
    rng = np.random.default_rng(1)
    values = rng.standard_t(3, (4, 96, 96))
    if kind == "two values":
        values = np.sign(values)
    elif kind == "one spike on each side":
        values = np.zeros((4, 96, 96))
        values[:, 3, 5], values[:, 50, 7] = 1, -2
    shape, left, right, _ = room._fit_generalised_gaussians(values)
    for i, block in enumerate(values):
        expected = fitted_by_loops(block.ravel().tolist())
        assert (shape[i], left[i], right[i]) == pytest.approx(expected, rel=1e-9)
        assert end is None or shape[i] == pytest.approx(end)


# What is flat, or small


def test_the_middle_of_a_flat_area_is_exactly_zero_whatever_its_value():
    for value in (0, 17, 128, 235, 255):
        image = grey("gravel", 0, 0, 96, 96)
        image[:, 30:] = value
        normalised, _ = room._normalise(image)
        assert not normalised[:, 33:].any()
        assert normalised[:, :30].any()


def test_a_dead_block_counts_with_its_shapes_and_without_its_covariance():
    rows = features(half_constant())
    dead, alive = rows[[1, 3]], rows[[0, 2]]
    assert np.isnan(dead).any(axis=1).all()
    assert not np.isnan(alive).any()
    mean, covariance = room._mean_and_covariance(rows)
    assert not np.isnan(mean).any()
    assert mean[0] == pytest.approx(rows[:, 0].mean())
    np.testing.assert_allclose(covariance, np.cov(alive, rowvar=False), rtol=1e-12)


def test_a_wholly_flat_block_has_shapes_of_a_fifth_and_nothing_else():
    row = features(np.full((96, 96), 90.0))[0]
    shapes = [0, 2, 6, 10, 14, 18, 20, 24, 28, 32]
    assert row[shapes].tolist() == [0.2] * 10
    assert np.isnan(np.delete(row, shapes)).all()


@pytest.mark.parametrize("textured_blocks", [0, 1])
def test_a_picture_with_less_than_two_blocks_of_texture_is_refused_with_a_sentence(textured_blocks):
    image = np.full((192, 288), 90.0)
    image[:80, : 80 * textured_blocks] = grey("gravel", 0, 0, 80, 80 * textured_blocks)
    with pytest.raises(NiqeError, match="needs texture in two blocks"):
        niqe(image, read_lab(SHIPPED))


@pytest.mark.parametrize(("height", "width"), [(95, 4000), (96, 191), (191, 191), (0, 0)])
def test_a_picture_of_less_than_two_blocks_has_a_reason_instead_of_a_value(height, width):
    reason = why_not(height, width)
    assert reason == f"NIQE needs two blocks of 96x96 pixels; the measured part of the picture is {width}x{height}."
    with pytest.raises(NiqeError, match="needs two blocks"):
        niqe(np.zeros((height, width)), read_lab(SHIPPED))


def test_two_blocks_are_enough():
    assert why_not(96, 192) == why_not(192, 96) == ""
    assert math.isfinite(niqe(grey("gravel", 0, 0, 96, 192), read_lab(SHIPPED)))


def test_what_lies_beyond_whole_blocks_is_not_looked_at():
    image = grey("coffee", 0, 0, 200, 250)
    other = image.copy()
    other[192:], other[:, 192:] = 0, 255
    np.testing.assert_array_equal(features(image), features(other))


def test_the_picture_handed_over_is_left_as_it_is():
    image = grey("gravel", 0, 0, 96, 192)
    before = image.copy()
    niqe(image, read_lab(SHIPPED))
    np.testing.assert_array_equal(image, before)


# Models


def some_model(seed=0):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(36, 50))
    return rng.normal(size=36), factor @ factor.T


def test_the_authors_file_is_read_by_its_names(tmp_path):
    mean, covariance = some_model()
    savemat(tmp_path / "modelparameters.mat", {"cov_prisparam": covariance, "mu_prisparam": mean[None], "extra": 1})
    model = read_official(tmp_path / "modelparameters.mat")
    np.testing.assert_array_equal(model.mean, mean)
    np.testing.assert_array_equal(model.covariance, covariance)
    assert model.variant == "official"
    assert model.source.startswith("modelparameters.mat, ")
    assert len(model.source) == len("modelparameters.mat, ") + 12


def test_a_lab_file_is_read_and_says_which_it_is(tmp_path):
    mean, covariance = some_model()
    sources = []
    for i in (1, 2):
        save_file({"mean": mean * i, "covariance": covariance}, tmp_path / "niqe.safetensors")
        model = read_lab(tmp_path / "niqe.safetensors")
        np.testing.assert_array_equal(model.mean, mean * i)
        assert model.variant == "lab"
        sources.append(model.source)
    assert sources[0] != sources[1]


@pytest.mark.parametrize("read", [read_official, read_lab])
@pytest.mark.parametrize("content", [None, b"", b"<html>not found</html>" * 20, "short"])
def test_a_missing_or_damaged_model_file_is_named_in_a_sentence(tmp_path, read, content):
    path = tmp_path / "some.model"
    if content == "short":
        mean, covariance = some_model()
        if read is read_official:
            savemat(tmp_path / "whole.mat", {"cov_prisparam": covariance, "mu_prisparam": mean[None]})
            content = (tmp_path / "whole.mat").read_bytes()[:5000]
        else:
            save_file({"mean": mean, "covariance": covariance}, tmp_path / "whole.safetensors")
            content = (tmp_path / "whole.safetensors").read_bytes()[:5000]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NiqeError, match=r"some\.model") as problem:
        read(path)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("read", [read_official, read_lab])
@pytest.mark.parametrize("fault", ["other names", "too few", "not a number", "not symmetric", "negative", "whole numbers"])
def test_a_file_that_holds_no_niqe_model_is_refused(tmp_path, read, fault):
    mean, covariance = some_model()
    match fault:
        case "too few":
            mean = mean[:18]
        case "not a number":
            mean[3] = np.nan
        case "not symmetric":
            covariance[3, 4] += 1
        case "negative":
            covariance -= 1000 * np.eye(36)
        case "whole numbers":
            mean = mean.astype(np.int64)
    names = ("mu_prisparam", "cov_prisparam") if read is read_official else ("mean", "covariance")
    names = ("a", "b") if fault == "other names" else names
    path = tmp_path / "model"
    content = dict(zip(names, (mean, covariance), strict=True))
    if read is read_official:
        savemat(path, content, appendmat=False)
    else:
        save_file(content, path)
    with pytest.raises(NiqeError, match="model"):
        read(path)


def test_a_model_one_is_far_from_gives_a_large_value():
    mean, covariance = some_model()
    near = NiqeModel(features(grey("gravel", 0, 0, 192, 192)).mean(axis=0), covariance, "lab", "")
    far = NiqeModel(near.mean + 10 * mean, covariance, "lab", "")
    image = grey("gravel", 0, 0, 192, 192)
    assert niqe(image, near) == pytest.approx(0, abs=1e-9)
    assert niqe(image, far) > 1


# Fitting


def test_a_model_is_made_of_the_sharpest_blocks_of_each_picture():
    rng = np.random.default_rng(0)
    images, sharp, soft = [], [], []
    for _ in range(40):
        image = rng.normal(128, 3, (96, 192)).round()
        image[:, 96:] = (rng.laplace(0, 20, (96, 96)) + 128).clip(0, 255).round()
        rows = features(image)
        soft.append(rows[0])
        sharp.append(rows[1])
        images.append(image)
    mean, covariance, blocks = fit(images)
    assert blocks == 40
    np.testing.assert_allclose(mean, np.mean(sharp, axis=0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(np.array(sharp), rowvar=False), rtol=1e-9, atol=1e-15)
    mean, _, blocks = fit(iter(images), least_sharpness=0)
    assert blocks == 80
    np.testing.assert_allclose(mean, np.mean(sharp + soft, axis=0), rtol=1e-12)


def test_too_few_blocks_for_a_model_are_refused_and_small_pictures_add_none():
    images = [grey("gravel", 0, 0, 192, 192), np.zeros((50, 500))]
    with pytest.raises(NiqeError, match="more than 36 sharp blocks"):
        fit(images)
    with pytest.raises(NiqeError, match="these pictures have 0"):
        fit([])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sharp")
    for i in range(5):
        write_png(textured_picture(300, 310, seed=i), folder / f"{i}.png")
    return folder


def test_fitting_a_folder_writes_the_model_and_its_card(pictures, tmp_path):
    out, told = tmp_path / "new" / "niqe.safetensors", []
    card = fit_niqe(pictures, out, 0.5, progress=lambda done, of: told.append((done, of)))
    assert told == [(i, 5) for i in range(6)]
    lumas = [np.floor(full_luma(read_picture(path)) + 0.5) for path in sorted(pictures.iterdir())]
    mean, covariance, blocks = fit(lumas, 0.5)
    model = read_lab(out)
    np.testing.assert_array_equal(model.mean, mean)
    np.testing.assert_array_equal(model.covariance, covariance)
    assert (card["pictures"], card["blocks"], card["least_sharpness"]) == (5, blocks, 0.5)
    assert card["command"] == f"python -m lab metrics fit-niqe {pictures.name} --least-sharpness 0.5"
    assert json.loads(out.with_suffix(".json").read_text(encoding="utf-8")) == card
    assert sorted(path.name for path in out.parent.iterdir()) == ["niqe.json", "niqe.safetensors"]


def test_a_card_never_takes_the_place_of_its_model(pictures, tmp_path):
    with pytest.raises(LabError, match=r"own\.json: give --out a name that ends with \.safetensors"):
        fit_niqe(pictures, tmp_path / "own.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_named_and_no_model_is_written(pictures, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "torn.png").write_bytes((pictures / "0.png").read_bytes()[:3000])
    with pytest.raises(LabError, match=r"torn\.png"):
        fit_niqe(folder, tmp_path / "niqe.safetensors")
    assert not (tmp_path / "niqe.safetensors").exists()


def test_the_shipped_model_has_a_card_that_fits_it():
    model = read_lab(SHIPPED)
    card = json.loads(SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["name"] == "NIQE-lab"
    assert card["blocks"] > 36
    assert np.linalg.matrix_rank(model.covariance) == 36


# Whether the two models rank alike


def test_the_graded_set_leaves_sharp_pictures_alone_and_harms_them_more_and_more():
    x = to_tensor(read_picture(ROOT / "assets" / "examples" / "chelsea.png"))[..., :288, :288]
    assert torch.equal(distorted(x, "sharp", 0), x)
    assert torch.equal(distorted(x, "noise", 0), x)
    for distortion, levels in LEVELS.items():
        results = [distorted(x, distortion, level) for level in levels]
        errors = [float((result - x).square().mean()) for result in results]
        assert errors == sorted(errors)
        assert len(set(errors)) == len(levels)
        assert all(torch.allclose(result * 255, (result * 255).round(), atol=1e-4) for result in results)


def test_a_model_agrees_wholly_with_itself_and_every_picture_of_the_set_is_there(pictures):
    model = read_lab(SHIPPED)
    told = []
    entries = list(graded([pictures], model, model, count=2, progress=lambda done, of: told.append((done, of))))
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert [(one.distortion, one.level) for one in entries[:19]] == [(name, level) for name in LEVELS for level in LEVELS[name]]
    assert {one.picture for one in entries} == {"1.png", "3.png"}
    result = agreement(entries)
    assert result.spearman == pytest.approx(1)
    assert (result.values, result.left_out) == (38, 0)
    assert result.means["sharp", 0][0] == pytest.approx(np.mean([entries[0].lab, entries[19].lab]))


def test_the_check_sees_the_pictures_as_the_convention_says(pictures):
    model = read_lab(SHIPPED)
    picture = read_picture(pictures / "2.png")[:300, :300]
    for convention in ("sr", "rgb"):
        first = next(iter(graded([pictures], model, model, count=1, convention=convention)))
        sharp = to_picture(to_tensor(picture))
        expected = studio_luma(sharp)[4:-4, 4:-4] if convention == "sr" else full_luma(sharp)
        assert first.lab == pytest.approx(niqe(np.floor(expected + 0.5), model))
        np.testing.assert_array_equal(eight_bit_luma(sharp, convention), np.floor(expected + 0.5))


def test_agreement_is_spearman_s_over_the_whole_set_and_counts_what_was_left_out():
    values = zip(LEVELS["blur"], (1, 2, 4, 5, 7), strict=True)
    entries = [Graded("a.png", "blur", level, value, -(value**3)) for level, value in values]
    result = agreement([*entries, None])
    assert result.spearman == pytest.approx(-1)
    assert result.within == {"blur": pytest.approx(-1)}
    assert (result.values, result.left_out) == (5, 1)
    with pytest.raises(CheckError, match="at least three"):
        agreement([*entries[:2], None])


def test_the_verdict_asks_for_a_correlation_of_at_least_nine_tenths():
    assert [verdict(Agreement(value, {}, {}, 38, 0)).holds for value in (0.9, 0.899, -1)] == [True, False, False]


def test_a_picture_too_small_to_be_graded_is_named(tmp_path):
    write_png(textured_picture(100, 150), tmp_path / "tiny.png")
    with pytest.raises(CheckError, match=r"tiny\.png: NIQE needs two blocks"):
        list(graded([tmp_path], read_lab(SHIPPED), read_lab(SHIPPED)))


def test_the_shipped_model_ranks_as_the_authors_does(data, official):
    folders = [data / "benchmark" / "Set14", data / "benchmark" / "BSD100"]
    result = agreement(list(graded(folders, official, read_lab(SHIPPED), count=6)))
    assert result.values > 100
    assert result.spearman >= 0.9
