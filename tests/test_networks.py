"""Networks: the papers' sizes, any picture in and out, trainable, and light to import."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from torch import nn

from lab.networks import build
from lab.networks.adapter import pad
from lab.networks.anti_grid import without_grid
from lab.networks.color import rgb_to_ycbcr, ycbcr_to_rgb
from lab.networks.discriminators import VGG128, PatchGAN, ResGDiscriminator, SRGANDiscriminator
from lab.networks.rrdb import ResidualDenseBlock
from lab.networks.srresnet import SRResNet
from lab.resize import resize

torch.set_num_threads(1)

SMALL = {
    "srcnn": {},
    "espcn": {},
    "srresnet": {"blocks": 2, "width": 8},
    "srresnet-instance-norm": {"blocks": 2, "width": 8},
    "msrresnet": {"blocks": 2, "width": 8},
    "msrresnet0": {"blocks": 2, "width": 8},
    "rrdb": {"blocks": 2, "width": 8, "growth": 4},
    "spsr": {"blocks": 2, "width": 8, "growth": 4, "taps": [1, 2], "branch_growth": 4},
    "deblurgan": {"width": 8, "blocks": 2, "dropout": 0.5},
    "resg": {"width": 8},
    "srnet": {"width": 4},
}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "arguments", "count"),
    [
        ("srcnn", {"middle": 1}, 8_129),
        ("srcnn", {"middle": 5}, 57_281),
        ("espcn", {"scale": 2}, 21_284),
        ("espcn", {"scale": 3}, 22_729),
        ("espcn", {"scale": 4}, 24_752),
        ("srresnet", {}, 1_547_350),
        ("srresnet", {"bias": True}, 1_549_462),
        ("srresnet", {"bias": True, "blocks": 5}, 734_219),
        ("srresnet-instance-norm", {}, 1_546_752),
        ("msrresnet", {}, 1_517_571),
        ("msrresnet0", {}, 1_332_928),
        ("rrdb", {}, 16_697_987),
        ("spsr", {}, 24_796_248 - 18),  # the authors' count includes the 18 fixed values of the gradient kernels
        ("deblurgan", {}, 11_378_179),
        ("deblurgan", {"convs_per_block": 1}, 6_067_459),
    ],
)
def test_full_size_networks_have_the_published_number_of_parameters(name, arguments, count):
    with torch.device("meta"):
        assert parameters(build(name, **arguments)) == count


@pytest.mark.parametrize(
    ("discriminator", "count"),
    [(SRGANDiscriminator, 23_563_649), (VGG128, 14_499_401), (PatchGAN, 2_764_737)],
)
def test_discriminators_have_the_published_number_of_parameters(discriminator, count):
    with torch.device("meta"):
        assert parameters(discriminator()) == count


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("size", [(37, 41), (8, 8), (1, 3)])
def test_a_picture_of_any_size_comes_back_at_its_size_times_the_scale(name, size):
    network = build(name, **SMALL[name]).eval()
    with torch.no_grad():
        out = network(torch.rand(2, 3, *size))
    assert out.shape == (2, 3, size[0] * network.scale, size[1] * network.scale)
    assert torch.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 1


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter_in_training(name):
    torch.manual_seed(0)
    network = build(name, **SMALL[name]).train()
    x = torch.rand(2, 3, 16, 16)
    if name == "spsr":
        branch, out = network.network(x, with_branch=True)
        loss = branch.square().mean() + out.square().mean()
    else:
        loss = network(x).square().mean()
    loss.backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        # a constant added before an instance norm is taken off again, so those biases rightly have none
        if not (name == "deblurgan" and key.endswith("bias")):
            assert parameter.grad.abs().sum() > 0, key


def test_a_step_of_training_lowers_the_loss_through_the_rgb_interface():
    torch.manual_seed(0)
    for name in ("espcn", "srresnet", "rrdb", "deblurgan", "resg", "srnet"):
        network = build(name, **(SMALL[name] | ({"dropout": 0.0} if name == "deblurgan" else {}))).train()
        x = torch.rand(2, 3, 16, 16)
        target = torch.rand(2, 3, 16 * network.scale, 16 * network.scale) * 0.2
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
        losses = []
        for _ in range(6):
            loss = (network(x) - target).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0], name


def test_training_mode_does_not_clamp_and_eval_mode_does():
    torch.manual_seed(0)
    network = build("resg", width=8)
    network.network.tail.bias.data += 3
    x = torch.rand(1, 3, 8, 8)
    assert network.train()(x).min() > 1
    assert network.eval()(x).max() == 1


def test_deblurgan_normalises_by_the_picture_itself_in_eval_mode():
    torch.manual_seed(0)
    network = build("deblurgan", width=8, blocks=2).eval()
    assert not [key for key in network.state_dict() if "running" in key]
    one, other = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        together = network(torch.cat([one, other]))
        torch.testing.assert_close(together[:1], network(one))
        seen_in_training = network.train()(one)
        torch.testing.assert_close(network.eval()(one), seen_in_training.clamp(0, 1))


def test_deblurgan_learns_the_difference_from_its_input():
    network = build("deblurgan", width=8, blocks=1).eval()
    for parameter in network.network.tail.parameters():
        parameter.data.zero_()
    x = torch.rand(1, 3, 13, 19)
    with torch.no_grad():
        torch.testing.assert_close(network(x), x)


def test_deblurgan_without_instance_norm_sees_contrast_and_starts_close_to_its_input():
    torch.manual_seed(0)
    strong = torch.rand(1, 3, 16, 16)
    weak = 0.5 + (strong - 0.5) / 4
    ratios = {}
    for norm in (False, True):
        network = build("deblurgan", width=8, blocks=2, instance_norm=norm).eval()
        with torch.no_grad():
            of_strong, of_weak = ((network(x) - x).abs().mean().item() for x in (strong, weak))
        ratios[norm] = of_strong / of_weak
        assert norm or of_strong < 0.02
    assert ratios[False] > 2 > ratios[True]


def test_a_self_ensemble_is_one_pass_in_training_and_then_the_mean_of_eight_which_turns_with_the_picture():
    torch.manual_seed(0)
    once = build("deblurgan", width=8, blocks=1, instance_norm=False)
    once.network.tail.weight.data *= 30
    often = build("deblurgan", width=8, blocks=1, instance_norm=False, self_ensemble=True)
    often.load_state_dict(once.state_dict())
    x = torch.rand(2, 3, 12, 20)
    with torch.no_grad():
        assert torch.equal(often.train()(x), once.train()(x))
        one, mean = once.eval()(x), often.eval()(x)
        passes = [one, once(x.flip(3)).flip(3), once(x.flip(2)).flip(2), once(x.flip(2, 3)).flip(2, 3)]
        passes += [passed.mT for passed in (once(x.mT), once(x.mT.flip(3)).flip(3), once(x.mT.flip(2)).flip(2))]
        passes += [once(x.mT.flip(2, 3)).flip(2, 3).mT]
        torch.testing.assert_close(mean, sum(passes) / 8)
        torch.testing.assert_close(often(x.mT), mean.mT)
        torch.testing.assert_close(often(x.rot90(1, (2, 3))), mean.rot90(1, (2, 3)))
        assert (once(x.mT) - one.mT).abs().mean() > 0.01  # one pass takes sides
        assert often(x[..., :11, :17]).shape == (2, 3, 11, 17)


def test_dropout_is_active_in_training_only():
    network = build("deblurgan", width=8, blocks=2, dropout=0.5)
    network.network.tail.weight.data *= 50
    x = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(network.eval()(x), network(x))
        assert not torch.equal(network.train()(x), network(x))


@pytest.mark.parametrize("kind", ["resg", "nonbn-resg"])
def test_the_residual_sharpeners_add_their_input_and_stackedg_does_not(kind):
    x = torch.rand(1, 3, 9, 7)
    for name, expected in ((kind, x), ("stackedg", torch.zeros_like(x))):
        network = build("resg", kind=name, width=8).eval()
        for parameter in network.network.tail.parameters():
            parameter.data.zero_()
        with torch.no_grad():
            torch.testing.assert_close(network(x), expected)


def test_only_resg_has_batch_norm_and_only_nonbn_resg_has_prelu():
    layers = {
        kind: {type(layer) for layer in build("resg", kind=kind, width=8).modules()}
        for kind in ("stackedg", "resg", "nonbn-resg")
    }
    assert [nn.BatchNorm2d in layers[kind] for kind in layers] == [False, True, False]
    assert [nn.PReLU in layers[kind] for kind in layers] == [False, False, True]


def test_srresnet_without_batch_norm_starts_near_the_bicubic_enlargement():
    torch.manual_seed(0)
    network = build("srresnet", blocks=16, width=16, batch_norm=False, bicubic_skip=True).eval()
    x = resize(torch.rand(1, 3, 4, 4), (12, 12)).clamp(0.2, 0.8)
    with torch.no_grad():
        distance = (network(x) - resize(x, (48, 48))).abs().mean()
    assert 0 < distance < 0.1


def test_srnet_starts_near_its_input():
    torch.manual_seed(0)
    x = torch.rand(1, 3, 64, 64) * 0.6 + 0.2
    with torch.no_grad():
        assert (build("srnet", width=4).eval()(x) - x).abs().mean() < 0.1


def test_what_alternates_from_pixel_to_pixel_is_taken_out_and_what_is_smooth_stays():
    stripes = torch.tensor([1.0, -1.0]).tile(1, 3, 16, 8)
    for grid in (stripes, stripes.transpose(2, 3), stripes * stripes.transpose(2, 3)):
        assert without_grid(grid)[..., 3:-3, 3:-3].abs().max() < 1e-6
    ramp = torch.linspace(0, 1, 16).expand(1, 3, 16, 16)
    torch.testing.assert_close(without_grid(ramp)[..., 3:-3, 3:-3], ramp[..., 3:-3, 3:-3])
    half = torch.tensor([1.0, 0.0, -1.0, 0.0]).tile(1, 1, 16, 4)  # half the Nyquist frequency
    torch.testing.assert_close(without_grid(half)[..., 4:-4], 7 / 8 * half[..., 4:-4])


@pytest.mark.parametrize("name", ["srresnet", "rrdb", "spsr"])
def test_a_network_with_anti_grid_makes_what_it_would_make_without_its_grid(name):
    torch.manual_seed(0)
    network = build(name, **SMALL[name], anti_grid=True).network.eval()
    given = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        made = network(given)
        network.anti_grid = False
        torch.testing.assert_close(made, without_grid(network(given)))


@pytest.mark.parametrize("name", ["rrdb", "spsr"])
def test_dense_networks_with_a_bicubic_skip_start_near_the_bicubic_enlargement(name):
    torch.manual_seed(0)
    given = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        made = build(name, **SMALL[name], bicubic_skip=True).network.eval()(given)
    assert (made - resize(given, (32, 32))).abs().mean() < 0.01


def test_dense_blocks_start_at_a_tenth_of_hes_normal_distribution():
    torch.manual_seed(0)
    block = ResidualDenseBlock(64, 32)
    for conv in (block.conv1, block.conv5):
        expected = 0.1 * math.sqrt(2 / (conv.in_channels * 9))
        assert conv.weight.std().item() == pytest.approx(expected, rel=0.05)
        assert not conv.bias.any()


def test_espcn_and_deblurgan_start_as_their_sources_say():
    torch.manual_seed(0)
    espcn = build("espcn").network
    assert espcn.map.weight.std().item() == pytest.approx(math.sqrt(2 / (32 * 9)), rel=0.05)
    assert espcn.rebuild.weight.std().item() == pytest.approx(0.001, rel=0.05)
    assert build("deblurgan", blocks=1).network.down2.weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_luma_networks_leave_bicubic_chroma_alone():
    torch.manual_seed(0)
    x = torch.rand(1, 3, 8, 8) * 0.2 + 0.4
    for name in ("srcnn", "espcn"):
        network = build(name).eval()
        nn.init.constant_(network.network.rebuild.bias, 0.5)
        with torch.no_grad():
            chroma = rgb_to_ycbcr(network(x))[:, 1:]
        torch.testing.assert_close(chroma, rgb_to_ycbcr(resize(x, (32, 32)))[:, 1:], atol=1e-5, rtol=0)


def test_ycbcr_and_back_is_the_same_picture_and_grey_has_no_chroma():
    x = torch.rand(2, 3, 5, 4)
    torch.testing.assert_close(ycbcr_to_rgb(rgb_to_ycbcr(x)), x, atol=1e-5, rtol=0)
    white, black = rgb_to_ycbcr(torch.ones(1, 3, 1, 1)), rgb_to_ycbcr(torch.zeros(1, 3, 1, 1))
    torch.testing.assert_close(white.flatten() * 255, torch.tensor([235.0, 128, 128]))
    torch.testing.assert_close(black.flatten() * 255, torch.tensor([16.0, 128, 128]))


def test_padding_reflects_to_the_right_and_below_even_beyond_the_picture():
    row = torch.tensor([[[[1.0, 2, 3]]]])
    assert pad(row, 4, 8)[0, 0, 0].tolist() == [1, 2, 3, 2, 1, 2, 3, 2]
    assert pad(row, 1, 1) is row
    assert pad(torch.full((1, 1, 1, 1), 5.0), 4, 1).tolist() == [[[[5.0] * 4] * 4]]


def test_spsr_gives_the_branch_only_when_asked_and_at_the_size_of_the_picture():
    network = build("spsr", **SMALL["spsr"]).network
    x = torch.rand(1, 3, 6, 5)
    with torch.no_grad():
        branch, out = network(x, with_branch=True)
        assert branch.shape == out.shape == (1, 3, 24, 20)
        assert torch.equal(network(x), out)


@pytest.mark.parametrize(
    ("discriminator", "shape", "judged"),
    [
        (SRGANDiscriminator(width=4, dense=8), (2, 3, 96, 96), (2, 1)),
        (SRGANDiscriminator(width=4, dense=8), (2, 3, 61, 70), (2, 1)),
        (VGG128(width=4, dense=8), (2, 3, 128, 128), (2, 1)),
        (VGG128(width=4, dense=8), (2, 3, 130, 130), (2, 1)),
        (VGG128(width=4, dense=8, size=64), (2, 3, 66, 66), (2, 1)),
        (PatchGAN(width=4), (2, 3, 64, 48), (2, 1, 11, 9)),
        (ResGDiscriminator(width=4, dense=8), (2, 3, 24, 24), (2, 1)),
    ],
)
def test_discriminators_judge_with_unbounded_logits(discriminator, shape, judged):
    assert discriminator(torch.rand(shape)).shape == judged
    assert not [layer for layer in discriminator.modules() if isinstance(layer, nn.Sigmoid)]


def test_impossible_networks_are_refused_with_a_sentence():
    for name, arguments, reason in (
        ("transformer", {}, "no network 'transformer'"),
        ("espcn", {"depth": 3}, "cannot be built"),
        ("srcnn", {"middle": 4}, "1, 3 or 5"),
        ("srresnet", {"scale": 5}, "2, 3, 4 or 8"),
        ("rrdb", {"in_channels": 4}, "3, 12 or 48"),
        ("spsr", {"blocks": 4}, "taps must rise"),
        ("deblurgan", {"convs_per_block": 3}, "1 or 2 convolutions"),
        ("resg", {"kind": "best"}, "stackedg, resg, nonbn-resg"),
    ):
        with pytest.raises(ValueError, match=reason):
            build(name, **arguments)


def test_srresnets_batch_norm_and_biases_go_together_unless_asked_otherwise():
    assert SRResNet(blocks=1, width=4).body[0].conv1.bias is None
    assert SRResNet(blocks=1, width=4, batch_norm=False).body[0].conv1.bias is not None


def test_importing_the_networks_imports_neither_torchvision_nor_gradio_nor_spandrel():
    code = "import sys, lab.networks, lab.weights; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["torchvision", "gradio", "spandrel", "cv2", "skimage", "matplotlib"]
    result = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_scale_that_cannot_be_made_of_doublings_is_refused():
    with pytest.raises(ValueError, match=r"scale must be 1, 2, 4 or 8, not 3"):
        build("msrresnet0", blocks=1, width=8, scale=3)
