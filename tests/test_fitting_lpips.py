"""lab.fitting: pairs of which one is known to look worse, LPIPS-lab's weights fitted on them, and the check of both."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from conftest import textured_picture
from safetensors.torch import save_file

from lab.fitting import lpips as fitting
from lab.fitting import lpips_check
from lab.fitting.lpips import CROP, FittingError, Knowledge, channel_distances, fit_lpips, fit_weights, shares
from lab.fitting.lpips_check import LpipsCheck, check_lpips, report, verdicts
from lab.fitting.orderings import RANGES, TWINS, ladder, levels, twins
from lab.images import to_picture, to_tensor, write_png
from lab.metrics import measure
from lab.metrics.lpips import LpipsError
from lab.metrics.lpips_lab import lab, read_features
from lab.networks.features import WIDTHS, LabFeatures


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    """A feature network nobody trained, in the file training would write."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        state = {name: value.half() for name, value in LabFeatures().state_dict().items()}
    path = tmp_path_factory.mktemp("features") / "features.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two sharp pictures in nested folders, and two that are too small to be fitted on."""
    folder = tmp_path_factory.mktemp("sharp")
    for i, size in enumerate(((192, 210), (200, 192), (120, 200), (100, 300))):
        path = folder / f"set{i % 2}" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        write_png(textured_picture(*size, seed=i), path)
    return folder


@pytest.fixture(scope="module")
def fitted(folder, features, tmp_path_factory):
    out = tmp_path_factory.mktemp("fitted") / "lpips.safetensors"
    return out, fit_lpips(folder, out, features)


# pairs


@pytest.mark.parametrize("distortion", RANGES)
def test_a_ladder_rises(distortion):
    x = to_tensor(textured_picture(96, 101))
    errors = [float((step - x).square().mean()) for step in ladder(x, distortion, 4, seed=5)]
    assert errors == sorted(errors)
    assert errors[0] > 0
    assert all(step.shape == x.shape for step in ladder(x, distortion, 2, seed=5))


def test_levels_run_from_one_end_of_the_range_to_the_other_at_even_ratios():
    assert levels("gaussian", 3) == pytest.approx([0.6, (0.6 * 4.0) ** 0.5, 4.0])
    assert levels("jpeg", 3) == [90, 27, 8]


@pytest.mark.parametrize("kind", [kind for kind in TWINS if kind != "detail"])
def test_twins_have_the_same_squared_error(kind):
    x = to_tensor(textured_picture(128, 140)) * 0.6 + 0.2
    for seed in range(3):
        first, second = (float((one - x).square().mean()) for one in twins(x, kind, seed))
        assert second == pytest.approx(first, rel=0.1)
        assert first > 1e-5


def test_texture_out_of_place_has_a_larger_error_than_none_and_true_edges_stay():
    rng = np.random.default_rng(0)
    picture = np.clip(128 + rng.normal(0, 40, (128, 128, 1)).repeat(3, 2), 0, 255)
    picture[:, :64] = 30
    picture[:, 60:64] = 200
    x = to_tensor(picture.astype(np.uint8))
    moved, missing = twins(x, "detail", 1)
    assert (moved - x)[..., 80:].square().mean() > 1.2 * (missing - x)[..., 80:].square().mean()
    assert moved[..., 80:].std() > 1.3 * missing[..., 80:].std()
    torch.testing.assert_close(moved[..., :54], x[..., :54], rtol=0, atol=0.02)


def test_the_same_seed_draws_the_same_pair_and_another_one_another():
    x = to_tensor(textured_picture(64, 64))
    for kind in ("bend", "texture", "detail"):
        assert all(torch.equal(a, b) for a, b in zip(twins(x, kind, 3), twins(x, kind, 3), strict=True))
        assert not torch.equal(twins(x, kind, 3)[0], twins(x, kind, 4)[0])


# the fit


def test_channels_distances_weighted_and_summed_are_the_metric(features, fitted):
    out, _ = fitted
    sharp = textured_picture(64, 72)
    changed = [to_picture(step) for step in ladder(to_tensor(sharp), "noise", 3, seed=1)]
    metric = lab(features, out)
    table = channel_distances(read_features(features), [to_tensor(one) for one in changed], to_tensor(sharp))
    assert table.shape == (3, sum(WIDTHS))
    expected = table @ torch.cat(metric.trunk.weights)
    assert [metric.distance(one, sharp) for one in changed] == pytest.approx(expected.tolist(), rel=1e-4)


def test_the_fit_finds_the_channels_that_order_pairs_right_and_lets_go_of_pairs_that_nothing_orders():
    generator = torch.Generator().manual_seed(0)
    table = torch.rand(400, 6, generator=generator) + 0.1
    better, worse = torch.arange(0, 300, 2), torch.arange(1, 301, 2)
    table[worse, 4] = table[better, 4] + 0.3  # one channel knows; the others are chance
    hopeless = torch.stack([torch.arange(300, 398, 2), torch.arange(301, 399, 2)], dim=1)
    table[hopeless[:, 1]] = table[hopeless[:, 0]] * 1e-3
    known = Knowledge(table, {"ladders": torch.stack([better, worse], dim=1), "light": hopeless}, torch.arange(5))
    weights = fit_weights(known)
    assert (weights > 0).all()
    assert weights.argmax() == 4
    assert shares(known, torch.ones(6))["ladders"] < 0.9
    assert shares(known, weights)["ladders"] > 0.97
    assert float((table[:5] @ weights).mean()) == pytest.approx(0.5, rel=1e-4)


def test_a_channel_that_is_always_zero_gets_no_wild_weight():
    table = torch.rand(40, 3, generator=torch.Generator().manual_seed(0)) + 0.1
    table[:, 1] = 0
    known = Knowledge(table, {"ladders": torch.arange(40).reshape(20, 2)}, torch.arange(40))
    assert torch.isfinite(fit_weights(known)).all()


def test_fitted_weights_order_pairs_better_than_equal_ones_and_the_card_says_so(fitted, features):
    out, card = fitted
    assert card == json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["pictures"] == 2
    assert set(card["right"]) == {"ladders", "consensus", *TWINS}
    assert sum(card["right"].values()) > sum(card["right_before"].values())
    assert card["right"]["ladders"] >= 0.95
    assert lab(features, out).variant == "lab"


def test_the_same_command_writes_the_same_bytes(fitted, folder, features, tmp_path):
    again = tmp_path / "lpips.safetensors"
    fit_lpips(folder, again, features)
    assert again.read_bytes() == fitted[0].read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_what_cannot_be_fitted_on_is_refused_with_a_sentence(tmp_path, features):
    out = tmp_path / "out.safetensors"
    with pytest.raises(FittingError, match="there is no folder"):
        fit_lpips(tmp_path / "gone", out, features)
    with pytest.raises(FittingError, match="there are no pictures"):
        fit_lpips(tmp_path, out, features)
    write_png(textured_picture(CROP - 1, 300), tmp_path / "small.png")
    with pytest.raises(FittingError, match=f"no picture is {CROP}x{CROP} or larger"):
        fit_lpips(tmp_path, out, features)
    with pytest.raises(LpipsError, match="does not hold the lab's feature network"):
        fit_lpips(tmp_path, out, tmp_path / "none.safetensors")
    assert not out.exists()


def test_the_consensus_is_silent_where_metrics_disagree(monkeypatch):
    x = to_tensor(textured_picture(192, 192))
    steps = ladder(x, "noise", 4, seed=1)
    assert list(fitting.consensus(steps, x)) == pytest.approx([0, 1 / 3, 2 / 3, 1])
    monkeypatch.setattr(fitting, "gmsd", lambda result, reference: -float(np.abs(result - reference).mean()))
    assert np.isnan(fitting.consensus(steps, x)).any()


# the check


class ByPSNR:
    """A stand-in metric that says what PSNR says, or the opposite."""

    variant = "lab"

    def __init__(self, sign):
        self.sign = sign

    def distance(self, result, reference):
        return -self.sign * measure("psnr", result, reference).value


def test_the_check_counts_what_each_metric_orders_right(folder, monkeypatch):
    monkeypatch.setattr(lpips_check, "STEPS_OF_LADDER", 3)
    done, duels = [], (("bicubic", "nearest"),)
    alike = check_lpips(folder / "set0", ByPSNR(1), duels, 1, progress=lambda *now: done.append(now))
    opposite = check_lpips(folder / "set0", ByPSNR(-1), duels, 1)
    assert alike.pictures == 2
    assert alike.pairs == 3 * len(RANGES)
    assert alike.duels == 2
    assert done[-1] == (2, 2)
    for found in (alike.severity, alike.twins, alike.critics):
        for rights in found.values():
            assert rights["lpips"] == rights["psnr"]
    assert set(alike.twins) == {*TWINS, "all"}
    assert alike.severity["all"]["psnr"] > 0.9
    assert opposite.severity["all"]["lpips"] == pytest.approx(1 - alike.severity["all"]["psnr"])
    assert alike.critics["bicubic, nearest"]["psnr"] == 1
    assert opposite.critics["all"]["lpips"] == 0
    assert alike.means["bicubic"]["psnr"] > alike.means["nearest"]["psnr"] > 15
    assert 0 < alike.means["nearest"]["ssim"] < alike.means["bicubic"]["ssim"] < 1


def test_the_report_names_the_variant_and_every_group(folder, monkeypatch):
    monkeypatch.setattr(lpips_check, "STEPS_OF_LADDER", 2)
    check = check_lpips(folder / "set1", ByPSNR(1), (("bicubic", "nearest"),), 1)
    text = report(check)
    for word in ("LPIPS-lab", "PSNR", "SSIM", *RANGES, *TWINS, "bicubic, nearest", "100.0%"):
        assert word in text
    assert "LPIPS-lab" not in report(dataclasses.replace(check, variant="official"))


def test_the_report_says_where_a_critic_has_not_shaped_its_network_yet(folder, monkeypatch):
    monkeypatch.setattr(lpips_check, "STEPS_OF_LADDER", 2)
    duels = ("bicubic", "nearest"), ("nearest", "bicubic")
    first, second = (check_lpips(folder / "set1", ByPSNR(1), (duel,), 1) for duel in duels)
    assert "bicubic has the higher PSNR: its critic has not shaped it yet" in report(first)
    assert "has not shaped it" not in report(second)


def asked(severity, critic, plain, duels):
    """A check whose answers are as given: LPIPS's share of severity; PSNRs of the two methods; shares of (lpips, psnr, ssim)."""
    shares = dict(zip(("lpips", "psnr", "ssim"), duels, strict=True))
    means = {"srgan": {"psnr": critic}, "srresnet": {"psnr": plain}}
    return LpipsCheck("lab", {"all": {"lpips": severity}}, 100, {}, {"srgan, srresnet": shares, "all": shares}, means, 10, 10)


@pytest.mark.parametrize(
    ("check", "hold"),
    [
        (asked(0.95, 24, 26, (0.8, 0.1, 0.2)), [True, True]),
        (asked(0.949, 24, 26, (0.8, 0.1, 0.2)), [False, True]),
        (asked(0.99, 24, 26, (0.2, 0.1, 0.2)), [True, False]),
        (asked(0.99, 26, 24, (0.9, 0.8, 0.8)), [True, False]),  # PSNR prefers the critic's: its work does not show
    ],
)
def test_the_verdicts_are_those_of_the_two_claims(check, hold):
    assert [verdict.holds for verdict in verdicts(check)] == hold


def test_a_check_without_duels_has_none_to_judge(folder, monkeypatch):
    monkeypatch.setattr(lpips_check, "STEPS_OF_LADDER", 2)
    check = check_lpips(folder / "set1", ByPSNR(1), (), 1)
    assert check.critics == {}
    assert [verdict.holds for verdict in verdicts(check)][1] is False
    assert "Means" in report(check)


def test_a_method_that_cannot_run_is_told_in_a_sentence(folder, monkeypatch):
    monkeypatch.setattr("lab.methods.CHECKPOINTS", folder)
    with pytest.raises(FittingError, match=r"\.png, srgan: SRGAN has no checkpoint here"):
        check_lpips(folder / "set1", ByPSNR(1), (("srgan", "bicubic"),), 1)
