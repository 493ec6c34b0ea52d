"""Ma's features against slow renderings of their definition, its forests, and the files its models come from."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from conftest import textured_picture

from lab.metrics import ma_dct, ma_files
from lab.metrics.ma import MaError, ma, ma_features, read_lab, read_official, why_not
from lab.metrics.ma_model import FAMILIES, Tree, plant
from lab.metrics.ma_pyramid import pyramid_features
from lab.metrics.ma_shape import shape_of

SIZES = [(80, 96), (97, 83), (70, 75)]  # even; odd; sides that leave 1 modulo 3 and 0 modulo 5


def grey(height, width, seed=0):
    return np.floor(textured_picture(height, width, seed).astype(float) @ [0.299, 0.587, 0.114] + 0.5)


# Slow renderings: loops, whole spectra, every grid point.

GRID = [round(0.03 + 0.001 * i, 3) for i in range(9971)]
RATIO = np.array([math.exp(math.lgamma(1 / g) + math.lgamma(3 / g) - 2 * math.lgamma(2 / g)) for g in GRID])


def slow_shape(values):
    values = np.ravel(values)
    mean = sum(values) / len(values)
    rho = (sum((values - mean) ** 2) / (len(values) - 1)) / ((sum(abs(values - mean)) / len(values)) ** 2 + 1e-7)
    return GRID[int(np.argmin(abs(RATIO - rho)))]


def slow_levels(luma):
    levels = [luma / 255]
    kernel = np.array([[math.exp(-(dx * dx + dy * dy) / 0.5) for dx in (-1, 0, 1)] for dy in (-1, 0, 1)])
    kernel /= kernel.sum()
    for _ in range(2):
        height, width = levels[-1].shape
        padded = np.zeros((height + 2, width + 2))
        padded[1:-1, 1:-1] = levels[-1]
        smooth = np.array([[(padded[i : i + 3, j : j + 3] * kernel).sum() for j in range(width)] for i in range(height)])
        levels.append(smooth[1::2, 1::2])
    return levels


def slow_dct(level):
    height, width = level.shape
    rows, columns = -(-height // 3), -(-width // 3)
    canvas = np.zeros((3 * rows + 4, 3 * columns + 4))
    canvas[2 : 2 + height, 2 : 2 + width] = level
    basis = np.array(
        [[math.sqrt((1 if k == 0 else 2) / 7) * math.cos(math.pi * (2 * x + 1) * k / 14) for x in range(7)] for k in range(7)]
    )
    first = {(0, c) for c in range(1, 7)} | {(1, c) for c in range(2, 7)} | {(2, 4), (2, 5), (2, 6), (3, 5), (3, 6)}
    second = {(1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (3, 4), (4, 3), (4, 4), (4, 5), (4, 6), (5, 4), (5, 5), (5, 6)}
    second |= {(6, 4), (6, 5), (6, 6)}
    third = {(c, r) for r, c in first}
    shapes, variations, orientations = [], [], []
    for i in range(rows):
        for j in range(columns):
            d = basis @ canvas[3 * i : 3 * i + 7, 3 * j : 3 * j + 7] @ basis.T
            coefficients = d.ravel()[1:]
            size = abs(coefficients)
            shapes.append(slow_shape(coefficients))
            variations.append(np.std(size, ddof=1) / (size.mean() + 1e-7))
            sectors = [np.array([abs(d[at]) for at in sector]) for sector in (first, second, third)]
            orientations.append(np.var([np.std(s, ddof=1) / (s.mean() + 1e-8) for s in sectors], ddof=1))
    n = rows * columns
    low = sorted(shapes)[: math.ceil(0.1 * n)]
    top = [sorted(values)[int(0.9 * n) - 1 :] for values in (variations, orientations)]
    return [np.mean(v) for v in (low, shapes, top[0], variations, top[1], orientations)]


def slow_pca(level):
    height, width = level.shape
    padded = np.zeros((-(-height // 5) * 5, -(-width // 5) * 5))
    padded[:height, :width] = level
    columns = [padded[i : i + 5, j : j + 5].ravel() for i in range(0, len(padded), 5) for j in range(0, padded.shape[1], 5)]
    columns += [np.zeros(25)] * (25 - len(columns))  # which add singular values of 0
    return np.linalg.svd(np.array(columns).T, compute_uv=False)


def table(x, falling):
    """Simoncelli's radial function: 259 samples with the ends repeated, interpolated."""
    at = [2 / math.pi * (math.pi * i / 512) for i in range(-257, 2)]
    rise = [math.sqrt(math.cos(math.pi * i / 512) ** 2) for i in range(-257, 2)]
    rise[0], rise[-1] = rise[1], rise[-2]
    return np.interp(x, at, [math.sqrt(abs(1 - r * r)) for r in rise] if falling else rise)


def slow_pyramid(picture):
    height, width = picture.shape
    middle = [math.ceil((n + 0.5) / 2) for n in (height, width)]
    down, across = np.meshgrid(
        [(i + 1 - middle[0]) / (height / 2) for i in range(height)],
        [(j + 1 - middle[1]) / (width / 2) for j in range(width)],
        indexing="ij",
    )
    radius, theta = np.sqrt(down**2 + across**2), np.arctan2(down, across)
    radius[middle[0] - 1, middle[1] - 1] = radius[middle[0] - 1, middle[1] - 2]
    x = np.log2(radius)
    spectrum = np.fft.fftshift(np.fft.fft2(picture))
    back = lambda s: np.fft.ifft2(np.fft.ifftshift(s)).real  # noqa: E731
    high = back(spectrum * table(x, False))
    low = spectrum * table(x, True)
    gain = math.sqrt(2**10 * math.factorial(5) ** 2 / (6 * math.factorial(10)))
    scales = []
    for k in (1, 2):
        angle = [gain * np.cos(theta - math.pi * b / 6) ** 5 for b in range(6)]
        scales.append([back((-1j) ** 5 * low * angle[b] * table(x + k, False)) for b in range(6)])
        old, new = low.shape, [math.ceil((n - 0.5) / 2) for n in low.shape]
        start = [math.ceil((o + 0.5) / 2) - math.ceil((n + 0.5) / 2) for o, n in zip(old, new, strict=True)]
        cut = tuple(slice(s, s + n) for s, n in zip(start, new, strict=True))
        low, x, theta = low[cut] * table(x[cut] + k, True), x[cut], theta[cut]
    return high, scales


def slow_resize_rows(a, target):
    """Bicubic enlargement along the first axis, the border mirrored."""
    n = len(a)
    result = np.zeros((target, a.shape[1]))
    for i in range(target):
        at, total = (i + 0.5) * n / target - 0.5, 0.0
        for j in range(math.floor(at) - 1, math.floor(at) + 3):
            d = abs(at - j)
            weight = 1.5 * d**3 - 2.5 * d**2 + 1 if d <= 1 else -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0
            mirrored = -j - 1 if j < 0 else 2 * n - 1 - j if j >= n else j
            result[i] += weight * a[mirrored]
            total += weight
        result[i] /= total
    return result


def slow_resize(a, height, width):
    return slow_resize_rows(slow_resize_rows(a, height).T, width).T


def slow_normalised(bands, b, parent, guard):
    height, width = bands[b].shape
    vectors = []
    for i in range(1, height - 1):
        for j in range(1, width - 1):
            near = list(bands[b][i - 1 : i + 2, j - 1 : j + 2].ravel())
            above = [] if parent is None else [parent[i, j]]
            vectors.append(near + above + [bands[o][i, j] for o in range(6) if o != b])
    vectors = np.array(vectors)
    values, directions = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    positive = values * (values > 0)
    inverse = np.linalg.pinv(directions @ np.diag(positive * values.sum() / positive.sum()) @ directions.T)
    counted = 9 if parent is None else 10
    z = np.array([math.sqrt(v @ inverse @ v / counted) for v in vectors])
    centre = vectors[:, 4]
    g = ((centre - centre.mean()) / z).reshape(height - 2, width - 2)[guard:-guard, guard:-guard]
    return g - g.mean()


def slow_contrast_structure(a, b):
    window = np.array([[math.exp(-(dx * dx + dy * dy) / 4.5) for dx in range(-5, 6)] for dy in range(-5, 6)])
    window /= window.sum()
    terms = []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            p, q = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mp, mq = (window * p).sum(), (window * q).sum()
            spread = (window * p * p).sum() - mp * mp + (window * q * q).sum() - mq * mq
            terms.append((2 * ((window * p * q).sum() - mp * mq) + 58.5225) / (spread + 58.5225))
    return np.mean(terms)


def slow_pyramid_features(luma):
    height, width = luma.shape
    high, (first, second) = slow_pyramid(luma)
    parents = [slow_resize(s, 2 * s.shape[0], 2 * s.shape[1])[:height, :width] for s in second]
    fine = [slow_normalised(first, b, parents[b] if b < 5 else None, 16) for b in range(6)]
    coarse = [slow_normalised(second, b, None, 8) for b in range(6)]
    shapes = [slow_shape(g) for g in fine + coarse]
    shapes += [slow_shape(np.concatenate([f.ravel(), c.ravel()])) for f, c in zip(fine, coarse, strict=True)]
    full = first + [slow_resize(s, height, width) for s in second]
    likeness = [slow_contrast_structure(band, high) for band in full]
    return shapes + likeness + [slow_contrast_structure(a, b) for a, b in itertools.combinations(fine, 2)]


@pytest.mark.parametrize("size", SIZES)
def test_the_dct_and_pca_features_are_those_of_the_definition(size):
    luma = grey(*size)
    features = ma_features(luma)
    levels = slow_levels(luma)
    np.testing.assert_allclose(features.dct, np.concatenate([slow_dct(level) for level in levels]), rtol=1e-6)
    np.testing.assert_allclose(features.pca, np.concatenate([slow_pca(level) for level in levels]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", SIZES[:2])
def test_the_pyramid_features_are_those_of_the_definition(size):
    luma = grey(*size, seed=3)
    expected = slow_pyramid_features(luma)
    found = pyramid_features(luma)
    assert found.shape == (45,)
    np.testing.assert_allclose(found[:18], expected[:18], atol=0.00101)  # shapes: one step of their grid
    np.testing.assert_allclose(found[18:], expected[18:], atol=1e-5)


def test_a_shape_is_that_of_the_distribution_the_numbers_were_drawn_from():
    rng = np.random.default_rng(1)
    drawn = np.stack([rng.normal(size=40000), rng.laplace(size=40000), rng.uniform(-1, 1, 40000)])
    normal, laplace, uniform = shape_of(drawn)
    assert normal == pytest.approx(2, abs=0.08)
    assert laplace == pytest.approx(1, abs=0.05)
    assert uniform > 6
    assert shape_of(np.zeros(50)) == 10.0  # as the search over the whole grid would find


def test_features_of_any_whole_number_type_are_the_same():
    luma = grey(70, 64)
    as_float, as_bytes = ma_features(luma), ma_features(luma.astype(np.uint8))
    np.testing.assert_array_equal(as_float.pyramid, as_bytes.pyramid)
    np.testing.assert_array_equal(as_float.dct, as_bytes.dct)


def test_a_picture_flat_but_for_a_corner_has_finite_features():
    luma = np.full((128, 128), 90.0)
    luma[5:20, 7:30] = grey(15, 23)
    features = ma_features(luma)
    for family, length in zip((features.dct, features.pyramid, features.pca), FAMILIES.values(), strict=True):
        assert family.shape == (length,)
        assert np.isfinite(family).all()


# Forests and files


def random_tree(rng, features, splits):
    """One tree as (nodes, 5) rows left, right, feature, threshold, value; children from 0, -1 for none; depth first."""
    rows = [[-1, -1, 0, 0.0, rng.normal()]]
    for _ in range(splits):
        leaf = int(rng.choice([i for i, row in enumerate(rows) if row[0] < 0]))
        rows[leaf][:4] = [len(rows) + 1, len(rows), int(rng.integers(features)), rng.normal()]
        rows += [[-1, -1, 0, 0.0, rng.normal()], [-1, -1, 0, 0.0, rng.normal()]]
    return rows


def walk(rows, x):
    node = 0
    while rows[node][0] > 0:
        left, right, feature, threshold, _ = rows[node]
        node = left if x[feature] <= threshold else right
    return rows[node][4]


def forests(rng, trees=7):
    return [[random_tree(rng, size, int(rng.integers(1, 12))) for _ in range(trees)] for size in FAMILIES.values()]


def as_forest(trees, dtype=np.float64):
    return plant((Tree(*(np.array(column) for column in zip(*rows, strict=True))) for rows in trees), dtype)


def test_a_forest_answers_with_the_mean_of_walks_down_its_trees():
    rng = np.random.default_rng(5)
    trees = [random_tree(rng, 18, splits) for splits in (0, 1, 3, 20, 40)]
    forest = as_forest(trees)
    for _ in range(50):
        x = rng.normal(size=18)
        assert forest.predict(x) == pytest.approx(np.mean([walk(rows, x) for rows in trees]), abs=1e-12)


def test_a_feature_equal_to_the_threshold_goes_left():
    forest = as_forest([[[1, 2, 4, 0.5, 0.0], [-1, -1, 0, 0.0, 1.0], [-1, -1, 0, 0.0, 2.0]]])
    x = np.zeros(18)
    answers = []
    for x[4] in (0.5, np.nextafter(0.5, 1)):
        answers.append(forest.predict(x))
    assert answers == [1.0, 2.0]


def write_mat(path, groups, linear, row=True, leave_out=""):
    """NRQM_model.mat as the authors lay it out: matrices (nodes, trees) with room to spare, children and features from 1."""
    from scipy.io import savemat

    cells = np.empty((1, 3) if row else (3, 1), dtype=object)
    for k, trees in enumerate(groups):
        nodes = max(len(rows) for rows in trees) + 4
        shape = (nodes, len(trees))
        whole = {name: np.zeros(shape, np.int32) for name in ("lDau", "rDau", "nodestatus", "mbest")}
        real = {name: np.zeros(shape) for name in ("upper", "avnode")}
        for t, rows in enumerate(trees):
            for n, (left, right, feature, threshold, value) in enumerate(rows):
                whole["lDau"][n, t], whole["rDau"][n, t] = left + 1, right + 1
                whole["mbest"][n, t] = feature + 1 if left > 0 else 0
                real["upper"][n, t], real["avnode"][n, t] = threshold, value
        fields = {"avnode": real["avnode"], "ntree": float(len(trees)), **whole, "nrnodes": float(nodes), "upper": real["upper"]}
        cells.flat[k] = {name: value for name, value in fields.items() if name != leave_out}
    model = {"rf": cells, "linear": np.array(linear, float)[:, None]}
    savemat(path, {"model": model}, do_compression=True)
    return path


LINEAR = (0.5, 0.2, -0.3, 1.1)


def expected_score(groups, features):
    families = features.dct, features.pyramid, features.pca
    answers = [np.mean([walk(rows, x) for rows in trees]) for trees, x in zip(groups, families, strict=True)]
    return LINEAR[0] + sum(b * s for b, s in zip(LINEAR[1:], answers, strict=True))


@pytest.fixture
def groups():
    return forests(np.random.default_rng(11))


@pytest.mark.parametrize("row", [True, False], ids=["1x3", "3x1"])
def test_the_authors_file_is_read_by_the_names_of_its_fields(tmp_path, groups, row):
    model = read_official(write_mat(tmp_path / "NRQM_model.mat", groups, LINEAR, row))
    luma = grey(66, 64)
    assert ma(luma, model) == pytest.approx(expected_score(groups, ma_features(luma)), abs=1e-9)
    assert model.variant == "official"
    assert model.source.startswith("NRQM_model.mat ")
    assert len(model.source.split()[1]) == 12


def test_a_tree_alone_in_its_forest_is_read(tmp_path):
    groups = forests(np.random.default_rng(2), trees=1)
    model = read_official(write_mat(tmp_path / "NRQM_model.mat", groups, LINEAR))
    x = np.random.default_rng(3).normal(size=75)
    assert model.forests[2].predict(x) == walk(groups[2][0], x)


def test_the_authors_file_is_converted_once_and_again_when_it_changes(tmp_path, groups, monkeypatch):
    path = write_mat(tmp_path / "NRQM_model.mat", groups, LINEAR)
    reads = []
    read_mat = ma_files._read_mat
    monkeypatch.setattr(ma_files, "_read_mat", lambda p: (reads.append(p), read_mat(p))[1])
    models = [read_official(path), read_official(path), read_official(tmp_path / "NRQM_model.npz")]
    assert len(reads) == 1
    assert len({model.source for model in models}) == 1
    assert all(np.array_equal(model.forests[1].number, models[0].forests[1].number) for model in models)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["NRQM_model.mat", "NRQM_model.npz"]

    (tmp_path / "NRQM_model.npz").write_bytes(b"PK, but not for long")
    assert np.array_equal(read_official(path).linear, LINEAR)
    assert len(reads) == 2

    write_mat(path, groups, (1, 2, 3, 4))
    assert np.array_equal(read_official(path).linear, [1, 2, 3, 4])
    assert len(reads) == 3


def test_a_converted_file_with_a_flipped_byte_anywhere_is_made_again(tmp_path, groups):
    path = write_mat(tmp_path / "NRQM_model.mat", groups, LINEAR)
    converted = tmp_path / "NRQM_model.npz"
    read_official(path)
    whole = converted.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        converted.write_bytes(damaged)
        assert np.array_equal(read_official(path).linear, LINEAR), place


def test_a_folder_that_cannot_be_written_to_is_no_hindrance(tmp_path, groups, monkeypatch):
    path = write_mat(tmp_path / "NRQM_model.mat", groups, LINEAR)

    def refuse(*_, **__):
        raise PermissionError("read only")

    monkeypatch.setattr(ma_files.tempfile, "NamedTemporaryFile", refuse)
    assert np.array_equal(read_official(path).linear, LINEAR)
    assert [p.name for p in tmp_path.iterdir()] == ["NRQM_model.mat"]


def test_a_file_that_is_not_the_authors_is_refused_in_a_sentence(tmp_path, groups):
    from scipy.io import savemat

    whole = write_mat(tmp_path / "whole.mat", groups, LINEAR).read_bytes()
    (tmp_path / "cut.mat").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.mat").write_text("<html>404</html>")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    savemat(tmp_path / "other.mat", {"mu_prisparam": np.zeros(36)})
    savemat(tmp_path / "flat.mat", {"model": np.zeros(3)})
    write_mat(tmp_path / "fewer.mat", groups, LINEAR[:3])
    write_mat(tmp_path / "fields.mat", groups, LINEAR, leave_out="upper")
    lost = [[[[40, 2, 0, 0.0, 0.0], [-1, -1, 0, 0.0, 1.0], [-1, -1, 0, 0.0, 1.0]]] for _ in range(3)]
    write_mat(tmp_path / "lost.mat", lost, LINEAR)
    circle = [[[[1, 2, 0, 0.0, 0.0], [1, 2, 0, 0.0, 1.0], [-1, -1, 0, 0.0, 1.0]]] for _ in range(3)]
    write_mat(tmp_path / "circle.mat", circle, LINEAR)
    names = ["cut.mat", "text.mat", "cut.npz", "other.mat", "flat.mat", "fewer.mat", "fields.mat", "lost.mat", "circle.mat"]
    for name in names:
        with pytest.raises(MaError, match=name) as caught:
            read_official(tmp_path / name)
        assert str(caught.value).endswith(".")
        assert not list(tmp_path.glob(f"{name[:-4]}*.part"))
    with pytest.raises(MaError, match="upper"):
        read_official(tmp_path / "fields.mat")
    with pytest.raises(MaError, match="there is no file"):
        read_official(tmp_path / "none.mat")


def lab_file(path, groups):
    from safetensors.numpy import save_file

    arrays = ma_files.to_arrays(tuple(as_forest(trees, np.float32) for trees in groups), np.array(LINEAR))
    save_file(arrays, path)
    return arrays


def test_the_labs_own_file_gives_back_what_was_written(tmp_path, groups):
    lab_file(tmp_path / "ma.safetensors", groups)
    model = read_lab(tmp_path / "ma.safetensors")
    assert model.variant == "lab"
    assert model.source.startswith("ma.safetensors ")
    luma = grey(64, 64)
    assert ma(luma, model) == pytest.approx(expected_score(groups, ma_features(luma)), abs=1e-5)


def test_a_damaged_file_of_the_labs_is_refused_in_a_sentence(tmp_path, groups):
    from safetensors.numpy import save_file

    path = tmp_path / "ma.safetensors"
    arrays = lab_file(path, groups)
    whole = path.read_bytes()

    def refused():
        with pytest.raises(MaError, match=r"ma\.safetensors.*\.$"):
            read_lab(path)

    for length in (0, 7, 100, len(whole) - 3):
        path.write_bytes(whole[:length])
        refused()
    for name in ("linear", "pca.left"):
        save_file({key: value for key, value in arrays.items() if key != name}, path)
        refused()
    for name, value in [
        ("dct.left", np.full_like(arrays["dct.left"], 1)),
        ("dct.left", arrays["dct.left"][:-1]),
        ("dct.left", arrays["dct.left"].astype(np.int64)),
        ("pca.feature", np.full_like(arrays["pca.feature"], 75)),
        ("pyramid.number", np.full_like(arrays["pyramid.number"], np.nan)),
        ("pyramid.sizes", arrays["pyramid.sizes"] * 0),
        ("linear", np.array([1.0, 2.0, np.nan, 3.0])),
        ("linear", np.zeros(3)),
    ]:
        save_file({**arrays, name: value}, path)
        refused()
    path.unlink()
    refused()


@pytest.mark.parametrize("size", SIZES)
def test_frequencies_looked_at_row_by_row_are_those_of_the_whole_picture(size, monkeypatch):
    level = grey(*size) / 255
    monkeypatch.setattr(ma_dct, "_CHUNK", 10**6)
    whole = ma_dct.dct_features(level)
    monkeypatch.setattr(ma_dct, "_CHUNK", 1)
    np.testing.assert_allclose(ma_dct.dct_features(level), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("family", "most"), [(ma_dct.dct_features, 60), (pyramid_features, 230)])
def test_memory_grows_by_few_bytes_a_pixel(family, most):
    """By the difference of two sizes, so that tables and strips, which do not grow, do not count."""

    def peak(height, width):
        luma = np.tile(grey(96, 96), (height // 96, width // 96))
        family(luma)  # what is made once is there
        tracemalloc.start()
        family(luma)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert (peak(480, 672) - peak(384, 480)) / (480 * 672 - 384 * 480) < most


def test_pictures_without_a_score_say_why(tmp_path, groups):
    lab_file(tmp_path / "ma.safetensors", groups)
    model = read_lab(tmp_path / "ma.safetensors")
    assert why_not(64, 64) == ""
    assert "63x200" in why_not(200, 63)
    with pytest.raises(MaError, match="64x64"):
        ma(grey(63, 80), model)
    with pytest.raises(MaError, match="flat"):
        ma(np.full((80, 80), 17.0), model)
