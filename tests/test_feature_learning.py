"""lab.train.feature_learning: the batches that the lab's features learn from."""

import pytest
import torch
from accelerate import Accelerator

from lab.gradients import spsr_gradient
from lab.train.feature_learning import HALO, JPEG, NOISE, FeatureLearning
from lab.train.pictures import Pictures
from lab.train.recipe import read


@pytest.fixture(scope="module")
def learning():
    ramp = torch.arange(160) / 159
    waves = 0.5 + 0.35 * torch.sin(ramp[:, None] * 90) * torch.sin(ramp[None, :] * 70)
    pictures = [((waves * shade).clamp(0, 1) * 255).byte().expand(3, -1, -1).clone() for shade in (0.9, 1.0, 1.1)]
    held_out = Pictures(pictures, pictures[:1], None, None, "waves")
    return FeatureLearning(read("features"), held_out, Accelerator(cpu=True), None)


def batch_of(learning, count=64):
    plan = learning._plan(learning.pictures.train, [9], count)
    return plan, *learning._batch(learning.pictures.train, plan)


def test_classes_are_clean_then_the_recipes_ranges_in_three_levels_then_noise_jpeg_and_halos(learning):
    names = [name for name, _, _ in learning.classes]
    ranged = 3 * ["gaussian"] + 3 * ["motion"]
    assert names == ["clean", "x4-bicubic", *ranged, *len(NOISE) * ["noise"], *len(JPEG) * ["jpeg"], *len(HALO) * ["halo"]]
    sigmas = [(low, high) for name, low, high in learning.classes if name == "gaussian"]
    assert sigmas[0][0] == 0.6
    assert sigmas[-1][1] == 3.0
    assert sigmas[0][1] == sigmas[1][0]


def test_the_same_key_gives_the_same_batch_and_another_key_another(learning):
    pictures = learning.pictures.train
    first, again = (learning._batch(pictures, learning._plan(pictures, [9], 8))[0] for _ in range(2))
    other = learning._batch(pictures, learning._plan(pictures, [10], 8))[0]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_part_of_a_plan_gives_the_same_crops_as_the_whole(learning):
    plan, crops, which, kinds = batch_of(learning, 12)
    part = learning._batch(learning.pictures.train, plan[1::2])
    assert torch.allclose(part[0], crops[1::2], atol=1.01 / 255)  # an FFT of another size may round the other way
    assert torch.equal(part[1], which[1::2])
    assert torch.equal(part[2], kinds[1::2])


def test_every_distortion_changes_its_own_crops_and_leaves_clean_ones_alone(learning):
    plan, crops, _, kinds = batch_of(learning, 200)
    clean = learning._clean(learning.pictures.train, plan)
    assert set(kinds.tolist()) == set(range(len(learning.classes)))
    assert torch.allclose(crops * 255, (crops * 255).round(), atol=1e-3)
    assert 0 <= crops.min() < crops.max() <= 1
    for place, kind in enumerate(kinds.tolist()):
        unchanged = torch.equal(crops[place], clean[place])
        assert unchanged == (learning.classes[kind][0] == "clean"), learning.classes[kind]


def test_blurs_smooth_and_halos_sharpen(learning):
    plan, crops, _, kinds = batch_of(learning, 200)
    clean = learning._clean(learning.pictures.train, plan)
    ratio = spsr_gradient(crops).mean(dim=(1, 2, 3)) / spsr_gradient(clean).mean(dim=(1, 2, 3))
    names = [learning.classes[kind][0] for kind in kinds.tolist()]
    of = {name: ratio[[i for i, other in enumerate(names) if other == name]] for name in set(names)}
    assert of["gaussian"].max() < 1
    assert of["motion"].max() < 1
    assert of["halo"].min() > 1
