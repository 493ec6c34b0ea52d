"""A critic at work: how it learns, and what it makes the network learn."""

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from lab.gradients import spsr_gradient
from lab.train import losses
from lab.train.errors import TrainingError
from lab.train.processes import average_gradients, share_batch_norm, whole_batch
from lab.train.recipe import CriticPlan

CERTAIN = 0.005
"""A critic that gives real pictures at least 1 - CERTAIN and restored ones at most CERTAIN is certain."""
CERTAIN_STEPS = 1000
"""After so many certain steps on end it has won: its gradient teaches the network nothing any more."""


class Critic:
    """One critic with its optimiser.

    Args:
        plan: of the recipe.
        side: of the crops it will see.
        accelerator: device, autocast, processes.
    """

    def __init__(self, plan: CriticPlan, side: int, accelerator: Accelerator):
        self.plan = plan
        self.accelerator = accelerator
        network = plan.build(side)
        if plan.spectral_norm:
            for module in network.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    spectral_norm(module)
        share_batch_norm(accelerator, network)
        self.network = network.to(accelerator.device, memory_format=torch.channels_last).train()
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=plan.learning_rate, betas=plan.betas)
        self.certain_for = 0

    def state_dict(self) -> dict:
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), "certain_for": self.certain_for}

    def load_state_dict(self, state: dict) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.certain_for = state["certain_for"]

    def _score(self, pictures: Tensor) -> Tensor:
        """Scores of the whole batch, of which `pictures` are this process's share: relativistic losses compare with its mean."""
        with self.accelerator.autocast():
            scores = self.network(self._shown(pictures))
        return whole_batch(self.accelerator, scores.float())

    def _shown(self, pictures: Tensor) -> Tensor:
        if self.plan.sees == "gradient-map":
            return spsr_gradient(pictures, pad=2)
        return pictures * 2 - 1 if self.plan.network == "patchgan" else pictures

    def _loss(self, real: Tensor, fake: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scores = self._score(real), self._score(fake)
        match self.plan.form:
            case "relativistic":
                return losses.relativistic_discriminator_loss(*scores), *scores
            case "wasserstein":
                # in single precision: the penalty differentiates a gradient, which bf16 would leave with two digits
                penalty = losses.gradient_penalty(self.network, self._shown(real), self._shown(fake), alpha)
                return losses.critic_loss(*scores) + self.plan.penalty * penalty, *scores
            case "nonbn-resg":
                return losses.resg_discriminator_loss(*scores), *scores
        return losses.gan_discriminator_loss(*scores), *scores

    def learn(self, real: Tensor, fake: Tensor, points: Tensor, rate: float) -> dict[str, float | Tensor]:
        """One turn of learning: `updates` steps on the same pictures.

        Args:
            real, fake: sharp and restored (N, 3, H, W) in [0, 1], no gradient.
            points: (updates, N) in [0, 1], where between fake and real the gradient penalty is taken.
            rate: times the plan's learning rate.

        Returns:
            For the curves: the loss, and the mean D(real) and D(fake) of the last step: probabilities, but plain scores for the
            Wasserstein form.

        Raises:
            TrainingError: it has been certain of everything for CERTAIN_STEPS steps on end.
        """
        self.network.requires_grad_(True)
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.learning_rate * rate
        for alpha in points.to(real):
            loss, on_real, on_fake = self._loss(real, fake, alpha)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            average_gradients(self.accelerator, self.network.parameters())
            self.optimiser.step()
        judged = self._probabilities(on_real.detach(), on_fake.detach())
        name = self.plan.name
        return {f"critic/{name}": loss.detach(), f"D_real/{name}": judged[0], f"D_fake/{name}": judged[1]}

    def _probabilities(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        match self.plan.form:
            case "wasserstein":
                return real.mean(), fake.mean()
            case "relativistic":
                return torch.sigmoid(real - fake.mean()).mean(), torch.sigmoid(fake - real.mean()).mean()
        return torch.sigmoid(real).mean(), torch.sigmoid(fake).mean()

    def judge(self, real: Tensor, fake: Tensor) -> Tensor:
        """The network's adversarial loss on its result `fake`; no gradient for the critic's own weights."""
        self.network.requires_grad_(False)
        scores = self._score(fake)
        match self.plan.form:
            case "relativistic":
                with torch.no_grad():
                    on_real = self._score(real)
                return losses.relativistic_generator_loss(on_real, scores)
            case "wasserstein":
                return losses.critic_generator_loss(scores)
            case "nonbn-resg":
                return losses.resg_generator_loss(scores)
        return losses.gan_generator_loss(scores)

    def watch(self, on_real: float, on_fake: float, steps: int) -> None:
        """Take note of `steps` more steps with these mean verdicts.

        Raises:
            TrainingError: the critic has won.
        """
        certain = self.plan.form != "wasserstein" and on_real > 1 - CERTAIN and on_fake < CERTAIN
        self.certain_for = self.certain_for + steps if certain else 0
        if self.certain_for >= CERTAIN_STEPS:
            raise TrainingError(
                f"the critic '{self.plan.name}' has told restored from sharp with certainty for {self.certain_for} steps, so "
                "nothing is learned from it any more: lower its learning rate, give it spectral_norm, or weigh its loss more."
            )
