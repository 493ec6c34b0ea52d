"""lab.train.losses: every loss against its formula written out slowly, and at values known beforehand."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from test_gradients import spsr_by_loops
from torch import nn

from lab.networks.discriminators import PatchGAN
from lab.train import losses


def drawn(*shape, low=-1.0, high=1.0, seed=0):
    """A float64 tensor with values drawn evenly, which wants gradients."""
    values = np.random.default_rng([seed, *shape]).uniform(low, high, shape)
    return torch.from_numpy(values).requires_grad_()


def float32(*shape, seed=0):
    """What training passes to losses."""
    return drawn(*shape, low=0, seed=seed).detach().float()


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def mean(values):
    values = list(values)
    return math.fsum(values) / len(values)


def close(found, expected, rel=1e-5):
    assert found.ndim == 0
    assert float(found.detach()) == pytest.approx(expected, rel=rel, abs=1e-9)


# pixels


def test_l1_and_mse_are_means_over_every_value():
    result, target = drawn(2, 3, 4, 5, seed=1), drawn(2, 3, 4, 5, seed=2)
    pairs = list(zip(result.flatten().tolist(), target.flatten().tolist(), strict=True))
    close(losses.l1(result, target), mean(abs(a - b) for a, b in pairs))
    close(losses.mse(result, target), mean((a - b) ** 2 for a, b in pairs))


def test_black_against_white_has_the_greatest_pixel_losses():
    black, white = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    assert float(losses.l1(black, white)) == float(losses.mse(black, white)) == 1


def test_the_chroma_loss_is_blind_to_grey_and_counts_cb_and_cr_alike():
    result, target = drawn(2, 3, 4, 5, low=0, seed=1), drawn(2, 3, 4, 5, low=0, seed=2)
    differences = []
    for picture, wanted in zip(result.detach().numpy(), target.detach().numpy(), strict=True):
        for (r, g, b), (r2, g2, b2) in zip(picture.reshape(3, -1).T, wanted.reshape(3, -1).T, strict=True):
            luma = 0.299 * (r - r2) + 0.587 * (g - g2) + 0.114 * (b - b2)
            differences += [abs((b - b2 - luma) / 1.772), abs((r - r2 - luma) / 1.402)]
    close(losses.chroma(result, target), mean(differences), rel=1e-4)
    assert float(losses.chroma(target + 0.3, target).detach()) < 1e-6
    losses.chroma(result, target).backward()
    assert result.grad.abs().min() > 0


def test_the_coarse_loss_sees_the_means_of_blocks_and_nothing_finer():
    result, target = drawn(1, 3, 8, 12, low=0, seed=1), drawn(1, 3, 8, 12, low=0, seed=2)
    differences = []
    for a, b in zip(result.detach()[0].numpy(), target.detach()[0].numpy(), strict=True):
        for r in (0, 4):
            for c in (0, 4, 8):
                differences.append(abs(a[r : r + 4, c : c + 4].mean() - b[r : r + 4, c : c + 4].mean()))
    close(losses.coarse(result, target), mean(differences))
    grid = torch.tensor([[0.1, -0.1], [-0.1, 0.1]]).tile(4, 6)
    assert float(losses.coarse(target.detach() + grid, target.detach())) < 1e-7


def test_the_lattice_loss_sees_a_pattern_that_every_block_of_4x4_repeats():
    result, target = drawn(2, 3, 16, 24, low=0, seed=1), drawn(2, 3, 16, 24, low=0, seed=2)
    differences = []
    for a, b in zip(result.detach().numpy().reshape(-1, 16, 24), target.detach().numpy().reshape(-1, 16, 24), strict=True):
        for left in (0, 8):  # windows of 16x16 that overlap by half
            for r in range(4):
                for c in range(4):
                    window = (slice(r, 16, 4), slice(left + c, left + 16, 4))
                    differences.append(abs(a[window].mean() - b[window].mean()))
    close(losses.lattice(result, target), mean(differences))
    sharp = target.detach()
    grid = torch.tensor([[0.1, -0.1], [-0.1, 0.1]]).tile(8, 12)
    close(losses.lattice(sharp + grid, sharp), 0.1)
    noise = 0.1 * torch.from_numpy(np.random.default_rng(0).choice([-1.0, 1.0], (2, 3, 16, 24)))
    assert float(losses.lattice(sharp + noise, sharp)) < 0.03


def test_stripes_have_the_middle_row_or_column_of_a_picture_at_full_contrast():
    pictures = drawn(2, 3, 6, 8, low=0.2).detach() / 2
    upright, level = losses.striped(pictures, losses.UPRIGHT), losses.striped(pictures, losses.LEVEL)
    assert upright.shape == level.shape == pictures.shape
    for i, picture in enumerate(pictures):
        row, column = picture[:, 3, :], picture[:, :, 4]
        torch.testing.assert_close(upright[i], ((row - row.min()) / (row.max() - row.min()))[:, None, :].expand(3, 6, 8))
        stretched = (column - column.min()) / (column.max() - column.min())
        torch.testing.assert_close(level[i], stretched[:, :, None].expand(3, 6, 8))
    grey = torch.full((1, 3, 6, 8), 0.5)
    assert losses.striped(grey, losses.UPRIGHT).isfinite().all()


DIRECTIONS = (losses.UPRIGHT, losses.LEVEL, *losses.OBLIQUE)


def test_half_the_steps_have_upright_and_level_stripes_and_the_others_every_oblique_direction_equally_often():
    found = Counter(losses.direction_of(step) for step in range(40))
    assert found == {losses.UPRIGHT: 10, losses.LEVEL: 10} | dict.fromkeys(losses.OBLIQUE, 2)


@pytest.mark.parametrize(("height", "width"), [(48, 48), (40, 56), (57, 33)])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_stripes_of_any_direction_keep_their_line_and_are_even_along_it_alone(direction, height, width):
    down, right = direction
    pictures = drawn(2, 3, height, width, low=0.2).detach()
    stripes = losses.striped(pictures, direction)
    assert stripes.shape == pictures.shape
    assert 0 <= float(stripes.min()) <= float(stripes.max()) <= 1
    line = (lambda x: x[:, :, height // 2]) if abs(right) >= abs(down) else (lambda x: x[:, :, :, width // 2])
    before, after = line(pictures).flatten(1), line(stripes).flatten(1)
    torch.testing.assert_close(after, (before - before.amin(1, True)) / (before.amax(1, True) - before.amin(1, True)))
    assert float(losses.unevenness(stripes, direction)) < 1e-6
    others = [losses.unevenness(stripes, other) for other in DIRECTIONS if other != direction]
    assert float(min(others)) > 0.1
    dotted = stripes.clone()
    dotted[:, :, height // 2, width // 2] += 1  # one step to the dot and one from it, a picture and channel
    counted = (height - 2 * (height // 4) - abs(right)) * (width - 2 * (width // 4) - abs(down))
    assert float(losses.unevenness(dotted, direction)) == pytest.approx(2 / counted, rel=1e-3)


@pytest.mark.parametrize("upright", [True, False])
def test_unevenness_sees_dots_along_stripes_and_none_across_them(upright):
    direction = losses.UPRIGHT if upright else losses.LEVEL

    def as_stripes(picture):
        return picture if upright else picture.transpose(-1, -2)

    clean = torch.rand(1, 3, 1, 32, generator=torch.Generator().manual_seed(0)).repeat(1, 1, 32, 1)
    assert float(losses.unevenness(as_stripes(clean), direction)) == 0
    dotted = clean.clone()
    dotted[..., ::4, 20] += 0.2  # rows 8 to 23 count: dots in rows 8, 12, 16 and 20
    steps = 7  # down from the first dot, up to each of the others and down from it
    assert float(losses.unevenness(as_stripes(dotted), direction)) == pytest.approx(0.2 * steps / (15 * 16), rel=1e-5)
    outside = clean.clone()
    outside[..., ::4, :8] += 0.2
    outside[..., :8, ::4] += 0.2
    assert float(losses.unevenness(as_stripes(outside), direction)) == 0


def test_a_pixel_shuffle_leaves_dots_on_stripes_and_nearest_enlargement_does_not():
    torch.manual_seed(0)
    shuffle = nn.Sequential(nn.Conv2d(3, 48, 1), nn.PixelShuffle(4))
    for direction in DIRECTIONS:
        stripes = losses.striped(float32(2, 3, 12, 12), direction)
        with torch.no_grad():
            nearest = float(losses.unevenness(nn.Upsample(scale_factor=4)(stripes), direction))
            assert float(losses.unevenness(shuffle(stripes), direction)) > max(0.01, 2 * nearest)
        assert nearest == 0 or direction in losses.OBLIQUE  # of which nearest enlargement makes stairs


def test_the_flat_loss_counts_differences_where_the_target_is_flat():
    sharp = torch.full((1, 3, 16, 32), 0.5)
    sharp[..., 16:] += 0.1 * torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).tile(8, 8)
    for x, weight in ((4, np.exp(-0.001 / 0.02)), (27, np.exp(-0.2 * np.sqrt(2) / 0.02))):  # columns far from where they meet
        result = sharp.clone()
        result[0, 1, 5, x] += 0.3
        assert float(losses.flat(result, sharp)) == pytest.approx(0.3 * weight / sharp.numel(), rel=0.02, abs=1e-12)


def test_the_grid_loss_sees_where_in_a_block_the_steps_are_and_leaves_a_target_its_own_grid():
    ramp = torch.arange(32.0).div(64).expand(1, 3, 32, 32)
    blocks = ramp[..., ::4].repeat_interleave(4, dim=3)  # as many steps to the right in all, each at the fourth column
    at_fourth = 7 * 4 / 64 / 8  # the last of eight blocks has none to its right
    spread = at_fourth * 3**0.5 / 4  # of three means of 0 and one of this
    ends = 3**0.5 / 4 / 64 / 8  # the ramp's own, for which the same holds
    found = float(losses.grid(blocks, ramp))
    assert found == pytest.approx((spread - ends) / 2, rel=1e-4)  # in one of two directions
    assert float(losses.grid(blocks.transpose(2, 3), ramp.transpose(2, 3))) == pytest.approx(found)
    assert float(losses.grid(2 * ramp, ramp)) == pytest.approx(ends / 2, rel=1e-4)  # larger steps make more of the ends
    noise = torch.from_numpy(np.random.default_rng(0).uniform(0, 0.1, (1, 3, 32, 32))).float()
    for no_grid in (ramp + 0.1, ramp / 2, torch.full_like(ramp, 0.5)):
        assert float(losses.grid(no_grid, ramp)) < 1e-8
    assert float(losses.grid(ramp, blocks)) < 1e-8  # a target may have a grid of its own
    assert float(losses.grid(ramp + noise, ramp)) < found / 5  # noise is uneven by chance alone


def test_the_overshoot_loss_counts_what_lies_beyond_the_range_of_the_target_around_a_pixel():
    sharp = torch.full((1, 3, 16, 32), 0.25)
    sharp[..., 16:] = 0.75  # an edge between columns 15 and 16
    for x, value, beyond in ((12, 0.85, 0.6), (13, 0.85, 0.1), (13, 0.7, 0.0), (18, 0.2, 0.05), (19, 0.2, 0.55)):
        result = sharp.clone()
        result[0, 1, 5, x] = value
        assert float(losses.overshoot(result, sharp)) == pytest.approx(beyond / sharp.numel(), rel=1e-4, abs=1e-12)


def test_the_spectrum_loss_compares_the_amplitudes_of_windows():
    result, target = drawn(2, 3, 33, 48, low=0, seed=1), drawn(2, 3, 33, 48, low=0, seed=2)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(32) / 32)
    taper = np.outer(hann, hann) / np.linalg.norm(np.outer(hann, hann))
    frequency = 2 * np.hypot(np.fft.fftfreq(32)[:, None], np.fft.fftfreq(32)[None])

    def amplitudes(x, left):
        window = np.tensordot([0.299, 0.587, 0.114], x.detach().numpy()[:, :32, left : left + 32], 1)
        return frequency * np.sqrt(np.abs(np.fft.fft2((window - window.mean()) * taper)) ** 2 + 1e-8)

    pairs = [(amplitudes(a, left), amplitudes(b, left)) for a, b in zip(result, target, strict=True) for left in (0, 16)]
    close(losses.spectrum_loss(result, target), mean(np.abs(a - b).mean() for a, b in pairs))


def test_the_spectrum_loss_takes_rows_for_columns_without_a_difference():
    result, target = drawn(2, 3, 32, 48, low=0, seed=1).detach(), drawn(2, 3, 32, 48, low=0, seed=2).detach()
    result[:] = result[:, :, :1]  # upright lines alone
    turned = losses.spectrum_loss(result.transpose(-1, -2), target.transpose(-1, -2))
    close(losses.spectrum_loss(result, target), float(turned))


def test_the_spectrum_loss_prefers_other_texture_to_a_weave_of_the_same_strength():
    rng = np.random.default_rng(0)
    wanted, other = (torch.from_numpy(rng.normal(0, 0.1, (1, 1, 64, 64))).expand(1, 3, 64, 64) for _ in range(2))
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    weave = torch.sin(2 * math.pi * (rows + columns) / 6).expand(1, 3, 64, 64).double()
    weave = weave * (losses.total_variation(wanted) / losses.total_variation(weave))
    assert float(losses.spectrum_loss(weave, wanted)) > 1.5 * float(losses.spectrum_loss(other, wanted))


def test_total_variation_is_the_mean_length_of_the_gradient():
    x = drawn(2, 3, 4, 5, low=0)
    lengths = []
    for plane in x.detach().reshape(-1, 4, 5).tolist():
        for r in range(4):
            for c in range(5):
                down = plane[r + 1][c] - plane[r][c] if r < 3 else 0
                right = plane[r][c + 1] - plane[r][c] if c < 4 else 0
                lengths.append(math.sqrt(down**2 + right**2 + 1e-6))
    close(losses.total_variation(x), mean(lengths))
    close(losses.total_variation(torch.full((1, 3, 6, 6), 0.4)), 0.001)


# gradient maps


def test_the_gradient_map_loss_is_the_squared_distance_of_the_maps_two_pixels_wider():
    result, target = drawn(2, 3, 5, 6, low=0, seed=1), drawn(2, 3, 5, 6, low=0, seed=2)
    squares = []
    for a, b in zip(result.detach().reshape(-1, 5, 6).tolist(), target.detach().reshape(-1, 5, 6).tolist(), strict=True):
        maps = np.array(spsr_by_loops(a, 2)), np.array(spsr_by_loops(b, 2))
        assert maps[0].shape == (7, 8)
        squares += ((maps[0] - maps[1]) ** 2).flatten().tolist()
    close(losses.gradient_map_loss(result, target), mean(squares))


def test_the_branch_loss_is_the_absolute_distance_to_the_map_of_the_same_size():
    branch, target = drawn(2, 3, 5, 6, low=0, seed=3), drawn(2, 3, 5, 6, low=0, seed=4)
    maps = np.array([spsr_by_loops(plane, 1) for plane in target.detach().reshape(-1, 5, 6).tolist()])
    close(losses.branch_loss(branch, target), np.abs(branch.detach().numpy().reshape(-1, 5, 6) - maps).mean())


def test_the_gradient_strength_loss_compares_blocks_and_not_where_in_them_an_edge_lies():
    result, target = drawn(2, 3, 18, 26, low=0, seed=1), drawn(2, 3, 18, 26, low=0, seed=2)
    differences = []
    for a, b in zip(result.detach().reshape(-1, 18, 26).tolist(), target.detach().reshape(-1, 18, 26).tolist(), strict=True):
        maps = np.array(spsr_by_loops(a, 0)), np.array(spsr_by_loops(b, 0))
        differences += [abs(maps[0][:, left : left + 16].mean() - maps[1][:, left : left + 16].mean()) for left in (0, 8)]
    close(losses.gradient_strength(result, target), mean(differences))
    here, there = torch.zeros(2, 1, 3, 18, 18)
    here[..., 5:], there[..., 9:] = 1, 1
    assert float(losses.gradient_strength(here, there)) < 1e-7 < float(losses.gradient_map_loss(here, there))
    small = here[..., :9, :9]  # of which a block is the whole
    assert float(losses.gradient_strength(small, 0 * small)) > 0.1


def test_equal_pictures_have_no_gradient_map_loss():
    x = float32(1, 3, 9, 9)
    assert float(losses.gradient_map_loss(x, x)) == 0


# features


def feature_maps(seed):
    return {"pool2": drawn(2, 4, 6, 7, seed=seed), "pool5": drawn(2, 3, 2, 3, seed=seed + 1)}


@pytest.mark.parametrize(("distance", "power"), [("l1", 1), ("mse", 2)])
def test_content_loss_adds_the_layers_mean_distances(distance, power):
    result, target = feature_maps(1), feature_maps(5)
    expected = 0.0
    for layer in result:
        expected += mean((np.abs(result[layer].detach().numpy() - target[layer].detach().numpy()) ** power).flatten())
    close(losses.content_loss(result, target, distance), expected)


def test_resg_perceptual_loss_takes_the_second_and_fifth_pooling_layers_alone():
    result, target = feature_maps(1), feature_maps(5)
    expected = mean(((result["pool2"] - target["pool2"]).detach().numpy() ** 2).flatten())
    expected += mean(((result["pool5"] - target["pool5"]).detach().numpy() ** 2).flatten())
    with_another = {**result, "relu1_1": drawn(2, 3, 4, 4)}, {**target, "relu1_1": drawn(2, 3, 4, 4, seed=9)}
    close(losses.resg_perceptual_loss(*with_another), expected)
    with pytest.raises(KeyError, match="pool5"):
        losses.resg_perceptual_loss({"pool2": result["pool2"]}, target)


def texture_by_loops(result, target, block):
    """Eq. 5 written out for one layer: every block, every pair of channels, every pixel."""
    pictures, channels, height, width = result.shape
    high, wide = min(block, height), min(block, width)
    squares = []
    for n in range(pictures):
        for top in range(0, height - high + 1, high):
            for left in range(0, width - wide + 1, wide):
                pixels = [(r, c) for r in range(top, top + high) for c in range(left, left + wide)]
                for i in range(channels):
                    for j in range(channels):
                        of_result = sum(float(result[n, i, r, c] * result[n, j, r, c]) for r, c in pixels)
                        of_target = sum(float(target[n, i, r, c] * target[n, j, r, c]) for r, c in pixels)
                        squares.append(((of_result - of_target) / len(pixels)) ** 2)
    return mean(squares)


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_texture_loss_compares_gram_matrices_block_by_block(block):
    result, target = feature_maps(1), feature_maps(5)
    expected = sum(texture_by_loops(result[layer].detach(), target[layer].detach(), block) for layer in result)
    close(losses.texture_loss(result, target, block), expected)


def test_texture_loss_does_not_see_where_in_a_block_a_feature_is_but_sees_which_block():
    target = torch.zeros(1, 2, 4, 4)
    target[0, 0, 0, 0] = 1
    same_block, other_block = target.clone(), target.roll(2, dims=3)
    same_block[0, 0] = same_block[0, 0].roll(1, dims=0)
    assert float(losses.texture_loss({"pool2": same_block}, {"pool2": target}, 2)) == 0
    assert float(losses.texture_loss({"pool2": other_block}, {"pool2": target}, 2)) > 0
    assert float(losses.texture_loss({"pool2": other_block}, {"pool2": target}, 4)) == 0


def test_the_texture_loss_refuses_a_block_without_pixels():
    with pytest.raises(ValueError, match="at least 1 pixel"):
        losses.texture_loss(feature_maps(1), feature_maps(2), 0)


def test_gram_matrices_keep_their_precision_under_autocast():
    result, target = {"pool2": float32(2, 8, 16, 16)}, {"pool2": float32(2, 8, 16, 16, seed=1)}
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = losses.texture_loss(result, target, 8)
    assert torch.equal(under_autocast, losses.texture_loss(result, target, 8))


# adversarial


def scores(seed):
    """Scores of two patches for each of four samples."""
    return drawn(4, 1, 1, 2, low=-3, high=3, seed=seed)


def test_the_standard_gan_losses_are_cross_entropies_of_the_sigmoid():
    real, fake = scores(1), scores(2)
    rated_real, rated_fake = real.flatten().tolist(), fake.flatten().tolist()
    close(losses.gan_generator_loss(fake), mean(-math.log(sigmoid(x)) for x in rated_fake))
    expected = mean(-math.log(sigmoid(x)) for x in rated_real) + mean(-math.log(1 - sigmoid(x)) for x in rated_fake)
    close(losses.gan_discriminator_loss(real, fake), expected)


def test_the_resg_losses_follow_the_rewritten_equation_6_and_equation_7():
    real, fake = scores(3), scores(4)
    rated = list(zip(real.flatten().tolist(), fake.flatten().tolist(), strict=True))
    close(losses.resg_generator_loss(fake), mean(-sigmoid(b) for _, b in rated))
    expected = mean(-(math.log(1 - sigmoid(b)) + math.log(sigmoid(s))) for s, b in rated)
    close(losses.resg_discriminator_loss(real, fake), expected)


def relativistic(real, fake, real_is, fake_is):
    """Half the sum of two cross-entropies on scores relative to the other kind's mean, as ESRGAN's code has it."""

    def cross_entropy(x, label):
        return -(label * math.log(sigmoid(x)) + (1 - label) * math.log(1 - sigmoid(x)))

    real, fake = real.flatten().tolist(), fake.flatten().tolist()
    of_real = mean(cross_entropy(x - mean(fake), real_is) for x in real)
    return (of_real + mean(cross_entropy(x - mean(real), fake_is) for x in fake)) / 2


def test_the_relativistic_losses_rate_each_kind_against_the_mean_of_the_other():
    real, fake = scores(5), scores(6)
    close(losses.relativistic_generator_loss(real, fake), relativistic(real, fake, real_is=0, fake_is=1))
    close(losses.relativistic_discriminator_loss(real, fake), relativistic(real, fake, real_is=1, fake_is=0))


def test_the_relativistic_discriminator_learns_through_both_means_and_the_generator_not_through_the_real_scores():
    real, fake = scores(7), scores(8)
    losses.relativistic_generator_loss(real, fake).backward()
    assert real.grad is None

    def numeric(scores_of, index, step=1e-4):
        """The discriminator's loss differentiated by moving one score."""
        moved = []
        for sign in (1, -1):
            real_moved, fake_moved = real.detach().clone(), fake.detach().clone()
            (real_moved if scores_of == "real" else fake_moved).view(-1)[index] += sign * step
            moved.append(relativistic(real_moved, fake_moved, real_is=1, fake_is=0))
        return (moved[0] - moved[1]) / (2 * step)

    fake.grad = None
    losses.relativistic_discriminator_loss(real, fake).backward()
    for index in range(real.numel()):
        assert float(real.grad.view(-1)[index]) == pytest.approx(numeric("real", index), rel=1e-4, abs=1e-7)
        assert float(fake.grad.view(-1)[index]) == pytest.approx(numeric("fake", index), rel=1e-4, abs=1e-7)


def test_the_wasserstein_losses_are_plain_means():
    real, fake = scores(9), scores(10)
    close(losses.critic_loss(real, fake), mean(fake.flatten().tolist()) - mean(real.flatten().tolist()))
    close(losses.critic_generator_loss(fake), -mean(fake.flatten().tolist()))


def test_an_undecided_discriminator_costs_what_a_coin_costs():
    undecided = torch.zeros(4, 1)
    close(losses.gan_generator_loss(undecided), math.log(2))
    close(losses.gan_discriminator_loss(undecided, undecided), 2 * math.log(2))
    close(losses.resg_generator_loss(undecided), -0.5)
    close(losses.relativistic_generator_loss(undecided + 7, undecided + 7), math.log(2))
    close(losses.relativistic_discriminator_loss(undecided + 7, undecided + 7), math.log(2))


ADVERSARIAL = {
    "gan generator": lambda real, fake: losses.gan_generator_loss(fake),
    "gan discriminator": losses.gan_discriminator_loss,
    "resg generator": lambda real, fake: losses.resg_generator_loss(fake),
    "resg discriminator": losses.resg_discriminator_loss,
    "relativistic generator": losses.relativistic_generator_loss,
    "relativistic discriminator": losses.relativistic_discriminator_loss,
}


@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scores_far_beyond_the_sigmoid_give_finite_losses_and_gradients(name, dtype):
    for size in (1e4, -1e4):
        real = torch.full((3, 1), -size, dtype=dtype, requires_grad=True)
        fake = torch.full((3, 1), size, dtype=dtype, requires_grad=True)
        loss = ADVERSARIAL[name](real, fake)
        assert loss.dtype == torch.float32
        assert torch.isfinite(loss)
        loss.backward()
        assert torch.isfinite(fake.grad).all()
        assert real.grad is None or torch.isfinite(real.grad).all()


@pytest.mark.parametrize("name", ["gan discriminator", "relativistic discriminator"])
def test_a_discriminator_that_is_right_costs_nothing_and_one_that_is_wrong_costs_its_certainty(name):
    high, low = torch.full((2, 1), 30.0), torch.full((2, 1), -30.0)
    loss = ADVERSARIAL[name]
    assert float(loss(high, low)) < 1e-9
    assert float(loss(low, high)) == pytest.approx(60, rel=1e-6)


# gradient penalty


class Quadratic(nn.Module):
    """A critic whose slope is known by hand: the scores are sums of w x^2 / 2, so the slope is w x."""

    def __init__(self, shape):
        super().__init__()
        self.w = nn.Parameter(drawn(1, *shape, seed=11).detach())

    def forward(self, x):
        return (self.w * x.square()).flatten(1).sum(dim=1, keepdim=True) / 2


def test_the_gradient_penalty_takes_one_norm_over_all_pixels_and_channels_of_each_sample():
    real, fake = drawn(3, 2, 4, 5, seed=1).detach(), drawn(3, 2, 4, 5, seed=2).detach()
    alpha = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    critic = Quadratic((2, 4, 5))
    terms = []
    for n in range(3):
        squares = 0.0
        for c in range(2):
            for y in range(4):
                for x in range(5):
                    between = float(alpha[n] * real[n, c, y, x] + (1 - alpha[n]) * fake[n, c, y, x])
                    squares += (float(critic.w.detach()[0, c, y, x]) * between) ** 2
        terms.append((math.sqrt(squares) - 1) ** 2)
    close(losses.gradient_penalty(critic, real, fake, alpha), mean(terms))


def linear_critic(length, channels=3):
    """A critic whose slope is the same everywhere, with the given norm."""
    critic = nn.Conv2d(channels, 1, 4, bias=False)
    with torch.no_grad():
        critic.weight.mul_(length / critic.weight.norm())
    return critic


@pytest.mark.parametrize(("length", "penalty"), [(1.0, 0.0), (3.0, 4.0), (0.0, 1.0)])
def test_the_gradient_penalty_of_a_linear_critic_is_known_and_so_is_the_way_it_pushes(length, penalty):
    critic = linear_critic(length)
    if length == 0:
        nn.init.zeros_(critic.weight)
    found = losses.gradient_penalty(critic, float32(5, 3, 4, 4), float32(5, 3, 4, 4, seed=1), torch.rand(5))
    assert float(found.detach()) == pytest.approx(penalty, abs=1e-5)
    found.backward()
    push = 2 * (length - 1) * critic.weight.detach() / length if length else torch.zeros_like(critic.weight)
    torch.testing.assert_close(critic.weight.grad, push, atol=1e-4, rtol=0)


def test_a_critic_of_patches_is_judged_by_the_slope_of_its_mean_score():
    critic = linear_critic(8.0)
    pictures = float32(2, 3, 8, 8)  # 25 patches, whose slopes overlap
    slope = torch.autograd.functional.jacobian(lambda x: critic(x).mean(), pictures[:1])
    found = losses.gradient_penalty(critic, pictures, pictures, torch.rand(2))
    close(found, (float(slope.norm()) - 1) ** 2, rel=1e-4)


def test_the_gradient_penalty_trains_deblurgans_critic_and_reaches_neither_picture():
    torch.manual_seed(3)
    critic = PatchGAN(width=4)
    real, fake = float32(2, 3, 32, 32).requires_grad_(), float32(2, 3, 32, 32, seed=1).requires_grad_()
    losses.gradient_penalty(critic, real, fake, torch.rand(2)).backward()
    gradients = [parameter.grad for name, parameter in critic.named_parameters() if name.endswith("weight")]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert all(gradient.abs().max() > 0 for gradient in gradients)
    assert real.grad is None
    assert fake.grad is None


# all of them


PAIRS = {
    "l1": losses.l1,
    "mse": losses.mse,
    "overshoot": losses.overshoot,
    "total variation": lambda a, b: losses.total_variation(a),
    "spectrum": losses.spectrum_loss,
    "gradient map": losses.gradient_map_loss,
    "gradient strength": losses.gradient_strength,
    "grid": lambda a, b: losses.grid(a, b / 2),
    "branch": losses.branch_loss,
    "content l1": lambda a, b: losses.content_loss({"conv5_4": a}, {"conv5_4": b}, "l1"),
    "content mse": lambda a, b: losses.content_loss({"conv5_4": a}, {"conv5_4": b}, "mse"),
    "perceptual": lambda a, b: losses.resg_perceptual_loss({"pool2": a, "pool5": a}, {"pool2": b, "pool5": b}),
    "texture": lambda a, b: losses.texture_loss({"pool2": a}, {"pool2": b}, 4),
}


@pytest.mark.parametrize("name", PAIRS)
def test_gradients_are_finite_even_where_result_and_target_are_equal_or_flat(name):
    target = float32(2, 3, 12, 12)
    flat = torch.full((2, 3, 12, 12), 0.5)
    for start in (float32(2, 3, 12, 12, seed=1), target.clone(), flat):
        result = start.clone().requires_grad_()
        PAIRS[name](result, target).backward()
        assert torch.isfinite(result.grad).all()


@pytest.mark.parametrize("name", PAIRS)
def test_a_step_down_the_gradient_makes_the_loss_smaller(name):
    target = float32(2, 3, 12, 12)
    result = float32(2, 3, 12, 12, seed=1).requires_grad_()
    before = PAIRS[name](result, target)
    before.backward()
    step = 0.01 * result.grad / result.grad.norm()
    with torch.no_grad():
        assert PAIRS[name](result - step, target) < before
