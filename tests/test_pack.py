"""lab.train.pack: pictures in one file of a given size."""

import zipfile

import numpy as np
import pytest
import torch
from conftest import textured_picture
from PIL import Image
from typer.testing import CliRunner

from lab.cli import app
from lab.images import read_picture
from lab.train.pack import choose, pack
from lab.train.pictures import DataError, Source, load

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty pictures of five formats."""
    folder = tmp_path_factory.mktemp("mixed")
    for i in range(40):
        path = folder / f"set{i // 10}" / f"{i:02d}.{('png', 'jpg', 'webp', 'bmp', 'tif')[i % 5]}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(textured_picture(70, 80, seed=i)).save(path)
    return folder


def test_a_pack_keeps_bytes_or_pixels_and_trains_as_its_folder_does(folder, tmp_path):
    out = tmp_path / "all.zip"
    packed = pack(folder, 100, out)
    assert (packed.pictures, packed.available, packed.bytes) == (40, 40, out.stat().st_size)
    with zipfile.ZipFile(out) as file:
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in file.infolist())
        for path in folder.rglob("*.*"):
            name = path.relative_to(folder).as_posix()
            if path.suffix in (".bmp", ".tif"):
                np.testing.assert_array_equal(read_picture(file.read(f"{name}.png")), read_picture(path))
            else:
                assert file.read(name) == path.read_bytes()
    ours, theirs = load(Source(folder), 64, CPU), load(Source(out), 64, CPU)
    assert all(torch.equal(a, b) for a, b in zip(ours.train + ours.validation, theirs.train + theirs.validation, strict=True))


def test_a_pack_stays_within_its_size_and_is_chosen_evenly(folder, tmp_path):
    packed = pack(folder, 0.2, tmp_path / "some.zip")
    assert 16 <= packed.pictures < 40
    assert 150_000 < packed.bytes <= 200_000
    with zipfile.ZipFile(tmp_path / "some.zip") as file:
        counts = [sum(name.startswith(f"set{i}/") for name in file.namelist()) for i in range(4)]
    assert max(counts) - min(counts) <= 1


def test_choosing_takes_every_nth_name_and_never_too_much():
    names = [f"{i:04d}" for i in range(1000)]
    sizes = {name: 1000 for name in names}
    places = [int(name) for name in choose(names, sizes, 200_000)]
    assert len(places) == 200
    assert set(np.diff([-5, *places, 1005])) <= {4, 5, 6, 7, 8}
    assert choose(names, sizes, 10**9) == names
    assert choose(names, sizes, 0) == []
    rng = np.random.default_rng(0)
    sizes = {name: int(size) for name, size in zip(names, rng.integers(100, 9000, 1000), strict=True)}
    for limit in (77_777, 300_000, 1_000_000, 4_000_000):
        taken = sum(sizes[name] for name in choose(names, sizes, limit))
        assert 0.8 * limit < taken <= limit


def test_the_same_pictures_give_the_same_file(folder, tmp_path):
    pack(folder, 0.2, tmp_path / "a.zip")
    pack(folder, 0.2, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_file_that_is_there_is_replaced_only_when_told_to(folder, tmp_path):
    out = tmp_path / "pictures.zip"
    out.write_text("precious")
    with pytest.raises(DataError, match="is there already: add --force"):
        pack(folder, 1, out)
    assert out.read_text() == "precious"
    pack(folder, 1, out, force=True)
    assert zipfile.is_zipfile(out)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.zip"]  # nothing unfinished beside it


def test_what_cannot_be_packed_is_refused_with_a_sentence(folder, tmp_path, picture_folder):
    with pytest.raises(DataError, match="is a folder: give --out a file"):
        pack(folder, 1, tmp_path)
    with pytest.raises(DataError, match=r"0\.05 MB hold \d+ of these pictures, and training needs at least 16: give --mb 1\."):
        pack(folder, 0.05, tmp_path / "x.zip")
    for size in (0, -1, float("nan"), float("inf")):
        with pytest.raises(DataError, match="is no size for a file"):
            pack(folder, size, tmp_path / "x.zip")
    with pytest.raises(DataError, match="only 10 usable pictures"):
        pack(picture_folder / "set0", 1, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_a_picture_that_cannot_be_converted_is_named_and_left_out(folder, tmp_path, caplog):
    for path in folder.rglob("*.jpg"):
        for i in range(3):
            (tmp_path / "in" / f"{path.stem}{i}.jpg").parent.mkdir(exist_ok=True)
            (tmp_path / "in" / f"{path.stem}{i}.jpg").write_bytes(path.read_bytes())
    (tmp_path / "in" / "broken.tif").write_text("not a picture")
    packed = pack(tmp_path / "in", 10, tmp_path / "out.zip")
    assert (packed.pictures, packed.available) == (24, 25)
    assert "skipped broken.tif" in caplog.text


def test_python_m_lab_pack_says_what_it_wrote(folder, tmp_path):
    words = ["pack", str(folder), "--mb", "0.2", "--out", str(tmp_path / "pictures.zip")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "of 40 pictures, 0.2 MB, in " in done.stdout
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2
    assert "--force" in again.stderr


def test_damaged_pictures_are_named_and_not_counted(folder, tmp_path, caplog):
    for path in folder.rglob("*.png"):
        for i in range(3):
            copy = tmp_path / "in" / f"{path.stem}{i}.png"
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes() if i or path.stem != "00" else path.read_bytes()[:3000])
    packed = pack(tmp_path / "in", 10, tmp_path / "out.zip")
    assert (packed.pictures, packed.available) == (23, 24)
    assert "skipped 000.png" in caplog.text
    assert len(zipfile.ZipFile(tmp_path / "out.zip").namelist()) == 23


def test_a_pack_that_is_cut_off_is_called_that(folder, tmp_path):
    pack(folder, 1, tmp_path / "whole.zip")
    (tmp_path / "half.zip").write_bytes((tmp_path / "whole.zip").read_bytes()[:5000])
    with pytest.raises(DataError, match="is a pack that is cut off or damaged"):
        load(Source(tmp_path / "half.zip"), 64, CPU)


def test_links_to_folders_are_followed_and_rings_of_them_end(folder, tmp_path):
    for i in range(4):
        (tmp_path / f"link{i}").symlink_to(folder / f"set{i}")
    (tmp_path / "ring").symlink_to(tmp_path)
    pictures = load(Source(tmp_path), 64, CPU)
    assert len(pictures.train) + len(pictures.validation) == 40
