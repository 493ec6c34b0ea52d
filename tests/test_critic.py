"""lab.train.critic: learning to tell restored from sharp."""

import pytest
import torch
from accelerate import Accelerator

from lab.train.critic import CERTAIN_STEPS, Critic
from lab.train.errors import TrainingError
from lab.train.recipe import CriticPlan, RecipeError

FORMS = ["standard", "relativistic", "wasserstein", "nonbn-resg"]
POINTS = torch.tensor([[0.1, 0.4, 0.6, 0.9]])


def critic(form, network="patchgan", **changes):
    torch.manual_seed(0)
    arguments = {"width": 8} if network == "patchgan" else {"width": 4, "dense": 8}
    plan = CriticPlan("picture", network, form, 2e-3, arguments, **changes)
    return Critic(plan, 32, Accelerator(cpu=True))


@pytest.fixture(scope="module")
def pictures():
    """Rough "sharp" pictures and flat "restored" ones, which any critic can tell apart."""
    torch.manual_seed(1)
    return torch.rand(4, 3, 32, 32), torch.rand(4, 3, 1, 1).expand(4, 3, 32, 32).contiguous()


@pytest.mark.parametrize("form", FORMS)
def test_a_critic_of_every_form_learns_to_score_sharp_above_restored(form, pictures):
    one = critic(form)
    for _ in range(30):
        figures = one.learn(*pictures, POINTS, 1.0)
    assert float(figures["D_real/picture"]) > float(figures["D_fake/picture"])


@pytest.mark.parametrize("form", FORMS)
def test_the_networks_loss_falls_when_its_result_looks_more_like_the_sharp_one(form, pictures):
    one = critic(form)
    sharp, flat = pictures
    for _ in range(30):
        one.learn(sharp, flat, POINTS, 1.0)
    assert float(one.judge(sharp, sharp)) < float(one.judge(sharp, flat))


def test_judging_leaves_the_critics_weights_without_gradients(pictures):
    one = critic("relativistic")
    fake = pictures[1].clone().requires_grad_()
    one.judge(pictures[0], fake).backward()
    assert fake.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in one.network.parameters())


def test_five_updates_are_five_steps_of_the_optimiser(pictures):
    one = critic("wasserstein", updates=5)
    one.learn(*pictures, torch.rand(5, 4), 1.0)
    assert {int(state["step"]) for state in one.optimiser.state.values()} == {5}


def test_spectral_norm_keeps_a_layer_to_a_norm_of_one(pictures):
    one = critic("relativistic", "resg", spectral_norm=True)
    for _ in range(20):
        one.learn(*pictures, POINTS, 1.0)
    weight = one.network.dense1.weight.detach()
    assert float(torch.linalg.matrix_norm(weight, 2)) == pytest.approx(1, abs=0.1)


def test_a_critic_on_gradient_maps_sees_maps_and_not_colours(pictures):
    one = critic("standard", sees="gradient-map")
    sharp = pictures[0]
    with torch.no_grad():
        inner = [one._shown(picture)[..., 2:-2, 2:-2] for picture in (sharp * 0.5, sharp * 0.5 + 0.3)]
        torch.testing.assert_close(*inner, atol=1e-4, rtol=1e-3)
        maps = one._shown(sharp)
    assert maps.shape == (4, 3, 34, 34)


def test_a_critic_that_has_won_stops_the_run_and_says_what_to_do():
    one = critic("standard")
    one.watch(0.999, 0.001, CERTAIN_STEPS - 1)
    one.watch(0.9, 0.001, 1)  # one doubt, and the count begins anew
    one.watch(0.999, 0.001, CERTAIN_STEPS - 1)
    with pytest.raises(TrainingError, match="lower its learning rate"):
        one.watch(0.999, 0.001, 1)


def test_plain_scores_of_a_wasserstein_critic_are_no_probabilities():
    critic("wasserstein").watch(50.0, -50.0, 10 * CERTAIN_STEPS)


@pytest.mark.parametrize("wrong", [{"network": "vgg"}, {"form": "hinge"}, {"sees": "nothing"}, {"updates": 0}])
def test_a_critic_that_cannot_be_is_refused_with_a_sentence(wrong):
    plan = {"name": "picture", "network": "vgg128", "form": "standard", "learning_rate": 1e-4}
    with pytest.raises(RecipeError, match="critic picture"):
        CriticPlan(**{**plan, **wrong})
