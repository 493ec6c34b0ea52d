"""lab.train.pictures: what is found, how it is divided, what is decoded; and the batches drawn from pairs."""

import zipfile

import numpy as np
import pytest
import torch
import yaml
from conftest import textured_picture

from lab.cards import read_card
from lab.images import write_png
from lab.train import pictures
from lab.train.collection import folder_collection, pack_collection
from lab.train.data import Batches
from lab.train.pairs import find_pairs
from lab.train.pictures import DataError, Pictures, Source, load
from lab.train.recipe import RECIPES, read
from lab.train.split import part_finder
from lab.train.trainer import train

CPU = torch.device("cpu")


def flat(path, value, side=40):
    """A picture that can be told by its one value."""
    return write_png(np.full((side, side, 3), value, np.uint8), path)


def values(tensors):
    return [int(tensor[0, 0, 0]) for tensor in tensors]


def small_recipe(tmp_path, name, **shipped):
    recipe = yaml.safe_load((RECIPES / f"{name}.yaml").read_text())
    recipe["shipped"] |= {"patch": 32, "batch": 4, **shipped}
    path = tmp_path / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return read(path)


@pytest.fixture
def gopro(tmp_path):
    """GoPro's layout: sharp pictures have their number as value, blurred ones 100 more, all that is not to be read 255."""
    root = tmp_path / "GOPRO_Large"
    for i in range(18):
        scene = root / "train" / f"GOPR{i % 3:04d}_11_00"
        flat(scene / "sharp" / f"{i:06d}.png", i)
        flat(scene / "blur" / f"{i:06d}.png", 100 + i)
        flat(scene / "blur_gamma" / f"{i:06d}.png", 255)
    flat(root / "test" / "GOPR0384_11_00" / "sharp" / "000001.png", 255)
    flat(root / "test" / "GOPR0384_11_00" / "blur" / "000001.png", 255)
    return root


def test_without_a_split_eight_pictures_spread_over_the_sorted_paths_are_held_out(tmp_path):
    for i in range(24):
        flat(tmp_path / f"{i // 10}" / f"{i:02d}.png", i)
    found = load(Source(tmp_path), 32, CPU)
    assert values(found.validation) == [2, 4, 8, 10, 14, 16, 20, 22]
    assert sorted(values(found.train) + values(found.validation)) == list(range(24))
    assert found.blurred_train is None
    assert found.description == f"16 pictures of {tmp_path.name}, 8 held out"


def test_shares_divide_by_the_name_alone_so_that_adding_pictures_moves_none():
    names = [f"set{i % 7}/{i:05d}.png" for i in range(4000)]
    few, many = part_finder("8:1:1", names[:100]), part_finder("8:1:1", names)
    assert [few(name) for name in names] == [many(name) for name in names]
    counts = [sum(many(name) == part for name in names) for part in ("train", "validation", "test")]
    assert counts == pytest.approx([3200, 400, 400], rel=0.15)
    assert {part_finder("3:1:0", names)(name) for name in names} == {"train", "validation"}


def test_a_split_file_is_followed_and_test_pictures_are_never_opened(tmp_path, caplog):
    for i in range(12):
        flat(tmp_path / "in a folder" / f"{i:02d}.png", i)
    (tmp_path / "in a folder" / "secret.png").write_text("damaged, which whoever opens it would say")
    flat(tmp_path / "forgotten.png", 99)
    split = tmp_path / "split.txt"
    lines = [f"{'validation' if i < 2 else 'train'} in a folder/{i:02d}.png" for i in range(12)]
    split.write_text("\n".join(["# mine", "", *lines, "test in a folder/secret.png", "train gone.png"]))
    found = load(Source(tmp_path, split=str(split)), 32, CPU)
    assert values(found.validation) == [0, 1]
    assert values(found.train) == list(range(2, 12))
    assert "secret" not in caplog.text
    assert "1 pictures are not in split.txt and are left out, forgotten.png for one" in caplog.text
    assert "1 pictures of split.txt are not there, gone.png for one" in caplog.text
    assert "split by split.txt" in found.description


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        ("8:1", "is not three shares"),
        ("8:0:2", "is not three shares"),
        ("8:1:1.1.1", "is not three shares"),
        ("gone.txt", "neither shares as in 8:1:1 nor a text file"),
        ("train a.png\nvalidate b.png", "line 2 of split.txt is not 'train'"),
        ("train", "line 1 of split.txt is not 'train'"),
        ("train a.png\ntest a.png", "line 2 of split.txt puts a.png into test, and an earlier line into train"),
    ],
)
def test_a_wrong_split_is_refused_with_a_sentence(tmp_path, split, sentence):
    if " " in split or split == "train":
        (tmp_path / "split.txt").write_text(split)
        split = str(tmp_path / "split.txt")
    with pytest.raises(DataError, match=sentence):
        part_finder(split, ["a.png", "b.png"])


def test_a_split_that_leaves_too_little_to_train_or_validate_on_is_refused(tmp_path):
    for i in range(20):
        flat(tmp_path / f"{i:02d}.png", i)
    (tmp_path / "split.txt").write_text("".join(f"train {i:02d}.png\n" for i in range(20)))
    with pytest.raises(DataError, match="only 20 usable pictures for training and 0 for validation"):
        load(Source(tmp_path, split=str(tmp_path / "split.txt")), 32, CPU)


def test_in_div2ks_layout_validation_is_div2ks_and_small_versions_are_left_out(tmp_path):
    for i in range(9):
        flat(tmp_path / "DIV2K_train_HR" / f"{i:04d}.png", i)
        flat(tmp_path / "DIV2K_train_LR_bicubic" / "X4" / f"{i:04d}x4.png", 255)
    for i in range(100, 110):
        flat(tmp_path / "DIV2K_valid_HR" / f"{i:04d}.png", i)
    flat(tmp_path / "Flickr2K" / "Flickr2K_HR" / "000001.png", 50)
    found = load(Source(tmp_path), 32, CPU)
    assert sorted(values(found.train)) == [*range(9), 50]
    assert len(found.validation) == 8
    assert min(values(found.validation)) >= 100


def test_gopros_layout_gives_its_training_pairs_without_gamma_and_test(gopro):
    found = load(Source(pairs=gopro), 32, CPU)
    assert len(found.train) + len(found.validation) == 18
    assert sorted(values(found.train) + values(found.validation)) == list(range(18))
    assert values(found.blurred_train) == [100 + value for value in values(found.train)]
    assert values(found.blurred_validation) == [100 + value for value in values(found.validation)]
    assert found.description == "10 pairs of GOPRO_Large, 8 held out"
    one_level_down = load(Source(pairs=gopro / "train"), 32, CPU)
    assert values(one_level_down.train) == values(found.train)


def test_a_split_of_pairs_goes_by_the_blurred_picture(gopro, tmp_path):
    split = tmp_path / "split.txt"
    split.write_text("".join(f"train train/GOPR{i % 3:04d}_11_00/blur/{i:06d}.png\n" for i in range(8)))
    with split.open("a") as file:
        file.write("validation train/GOPR0000_11_00/blur/000009.png")
    found = load(Source(pairs=gopro, split=str(split)), 32, CPU)
    assert sorted(values(found.train)) == list(range(8))
    assert values(found.blurred_validation) == [109]


def test_blur_and_sharp_folders_pair_by_name_whatever_the_ending(tmp_path, caplog):
    names = ["blur/a/1.png", "blur/2.jpg", "sharp/2.png", "sharp/a/1.png", "blur/lonely.png", "sharp/single.png", "readme.png"]
    assert find_pairs(names, tmp_path) == [("blur/2.jpg", "sharp/2.png"), ("blur/a/1.png", "sharp/a/1.png")]
    assert "skipped blur/lonely.png: it has no partner in sharp" in caplog.text
    assert "skipped sharp/single.png: it has no partner in blur" in caplog.text
    assert find_pairs(["x/blurred/1.png", "x/sharp/1.png"], tmp_path) == [("x/blurred/1.png", "x/sharp/1.png")]
    numbered = [f"{kind}_{i}/1.png" for kind in ("blur", "sharp") for i in (1, 2)]
    assert find_pairs(numbered, tmp_path) == [("blur_1/1.png", "sharp_1/1.png"), ("blur_2/1.png", "sharp_2/1.png")]
    with pytest.raises(DataError, match="there are no pairs in"):
        find_pairs(["blur/1.png", "sharp/2.png"], tmp_path)


def test_pairs_of_unequal_or_damaged_pictures_are_named_and_skipped(tmp_path, caplog):
    for i in range(20):
        flat(tmp_path / "blur" / f"{i:02d}.png", i)
        flat(tmp_path / "sharp" / f"{i:02d}.png", i, side=44 if i == 3 else 40)
    (tmp_path / "sharp" / "07.png").write_text("not a picture")
    found = load(Source(pairs=tmp_path), 32, CPU)
    assert len(found.train) + len(found.validation) == 18
    assert "skipped blur/03.png: its sharp partner has another size" in caplog.text
    assert "skipped sharp/07.png" in caplog.text


def test_a_pack_gives_the_very_pictures_of_its_folder_and_names_damaged_ones(picture_folder, tmp_path, caplog):
    names = folder_collection(picture_folder).names
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as pack:
        for name in names:
            pack.write(picture_folder / name, name)
    from_folder, from_pack = load(Source(picture_folder), 64, CPU), load(Source(tmp_path / "pack.zip"), 64, CPU)
    for ours, theirs in ((from_folder.train, from_pack.train), (from_folder.validation, from_pack.validation)):
        assert len(ours) == len(theirs)
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert from_pack.description == "12 pictures of pack, 8 held out"
    content = bytearray((tmp_path / "pack.zip").read_bytes())
    content[2000] ^= 255  # inside the first picture
    (tmp_path / "pack.zip").write_bytes(content)
    damaged = load(Source(tmp_path / "pack.zip"), 64, CPU)
    assert len(damaged.train) + len(damaged.validation) == 19
    assert f"skipped {names[0]}" in caplog.text


def test_what_is_no_pack_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(DataError, match="neither a folder of pictures nor a pack"):
        load(Source(tmp_path / "notes.txt"), 32, CPU)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as pack:
        pack.writestr("notes.txt", "notes")
    with pytest.raises(DataError, match="there are no pictures in"):
        pack_collection(tmp_path / "empty.zip")
    for source in ((None, None), (tmp_path, tmp_path)):
        with pytest.raises(DataError, match=r"either --data .* or --pairs"):
            Source(*source)


def test_more_than_the_memory_holds_is_refused_before_anything_is_decoded(tmp_path, monkeypatch):
    for i in range(20):
        flat(tmp_path / f"{i:02d}.png", i)
    assert pictures.free_memory(CPU) > 10_000_000
    monkeypatch.setattr(pictures, "free_memory", lambda device: 160_000)  # 20 pictures of 40 x 40 x 3 bytes are 96 000
    assert load(Source(tmp_path), 32, CPU)
    monkeypatch.setattr(pictures, "free_memory", lambda device: 159_999)
    monkeypatch.setattr(pictures, "decode", None)
    with pytest.raises(DataError, match=r"20 pictures would take 0\.0 GB of memory, .* `python -m lab pack`"):
        load(Source(tmp_path), 32, CPU)


def test_both_pictures_of_a_pair_get_the_same_crop_turn_and_flip(tmp_path):
    sharp = [torch.from_numpy(textured_picture(90, 100, i)).permute(2, 0, 1) for i in range(4)]
    negative = [255 - picture for picture in sharp]
    batches = Batches(small_recipe(tmp_path, "srnet"), Pictures(sharp, sharp[:2], negative, negative[:2], ""))
    plan = [draw for step in range(4) for draw in batches.draw(step)]
    assert len({(draw.turn, draw.flip) for draw in plan}) > 4
    given, target = batches.make(plan)
    assert given.shape == target.shape == (16, 3, 32, 32)
    torch.testing.assert_close(given, 1 - target)
    given, target = batches.validation(side=64)
    assert given.shape == (2, 3, 64, 64)
    torch.testing.assert_close(given, 1 - target)


def test_a_network_that_enlarges_refuses_pairs_before_they_are_loaded(tmp_path):
    with pytest.raises(DataError, match="srresnet enlarges four times"):
        train(small_recipe(tmp_path, "srresnet"), Source(pairs=tmp_path / "not even there"), tmp_path / "run", steps=1, cpu=True)
    picture = [torch.zeros(3, 90, 90, dtype=torch.uint8)]
    with pytest.raises(DataError, match="espcn enlarges four times"):
        Batches(small_recipe(tmp_path, "espcn"), Pictures(picture, picture, picture, picture, ""))


def test_weights_trained_on_pairs_claim_no_blur_they_know(tmp_path):
    for i in range(16):
        picture = textured_picture(70, 80, seed=i)
        write_png(picture, tmp_path / "set" / "sharp" / f"{i}.png")
        write_png(np.roll(picture, 1, axis=1) // 2 + picture // 2, tmp_path / "set" / "blur" / f"{i}.png")
    recipe = small_recipe(tmp_path, "srnet", arguments={"width": 8})
    path = train(recipe, Source(pairs=tmp_path / "set"), tmp_path / "run", steps=2, cpu=True)
    card = read_card(path)
    assert card["trained_for"] == []
    assert card["data"] == "8 pairs of set, 8 held out"
