"""Training a network that restores pictures: its losses, its critics, its validation and its weights file."""

from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from lab import weights
from lab.degrade import round_to_8_bits
from lab.gradients import spsr_gradient
from lab.networks import RGBNetwork, build
from lab.networks.anti_grid import without_grid
from lab.train import losses
from lab.train.averaging import averaged
from lab.train.critic import Critic
from lab.train.data import MARGIN, Batches
from lab.train.errors import TrainingError, check_finite
from lab.train.features import Features, vgg19_features
from lab.train.pictures import Pictures
from lab.train.processes import average_gradients, share_batch_norm
from lab.train.recipe import FEATURE_LOSSES, Recipe, Term


def psnr(result: Tensor, sharp: Tensor) -> float:
    """Mean PSNR in dB over (N, 3, H, W) pairs in [0, 1], all channels, rounded to 8 bits: a quick check, no benchmark."""
    error = (round_to_8_bits(result) - sharp).square().mean(dim=(1, 2, 3)).clamp(min=1e-10)
    return float((-10 * error.log10()).mean())


def sharpness(result: Tensor, sharp: Tensor) -> float:
    """Mean gradient magnitude of the results (N, 3, H, W) over that of the sharp pictures: 1 is as sharp, less is smoother."""
    return float(spsr_gradient(result, pad=0).mean() / spsr_gradient(sharp, pad=0).mean())


def start_from(network: RGBNetwork, path: Path) -> int:
    """Copy weights from a checkpoint wherever name and shape agree; the number of values copied.

    Raises:
        TrainingError: no such checkpoint, or less than a tenth of the network's values found in it.
    """
    if not path.is_file():
        raise TrainingError(f"this recipe starts from {path.name}, which is not there: train {path.stem} first.")
    source, target = weights.load(path).state_dict(), network.state_dict()
    shared = {name: value for name, value in source.items() if name in target and target[name].shape == value.shape}
    count = sum(value.numel() for value in shared.values())
    if count < 0.1 * sum(value.numel() for value in target.values()):
        raise TrainingError(f"{path.name} shares too few weights with this network to start from: its size must agree.")
    network.load_state_dict(shared, strict=False)
    return count


def features_of(terms: tuple[Term, ...], download: bool) -> Features | None:
    """One feature network with all layers that the losses look at; None where none does."""
    layers: dict[str, None] = {}
    for term in terms:
        if term.kind in FEATURE_LOSSES:
            layers |= dict.fromkeys(term.layers or losses.RESG_LAYERS)
    return vgg19_features(list(layers), download) if layers else None


def check_files(recipe: Recipe, start: Path | None, download: bool) -> None:
    """Raise here and now what `Restoration` would raise for the files it starts from; its arguments."""
    if start is not None:
        start_from(build(recipe.network, **recipe.shipped.arguments), start)
    features_of(recipe.shipped.losses, download)


class Restoration:
    """One network that restores, and the critics it learns from.

    Args:
        recipe: what to train.
        pictures: on the device.
        accelerator: device, autocast, processes.
        start: weights file to start from, where the recipe starts from another's.
        download: fetch VGG-19's ImageNet weights where a loss wants them and they are not on disk.

    Raises:
        TrainingError, FeaturesError, DataError: see their texts.
    """

    smallest_margin = 2 * MARGIN

    def __init__(self, recipe: Recipe, pictures: Pictures, accelerator: Accelerator, start: Path | None, download: bool = False):
        shipped, device = recipe.shipped, accelerator.device
        self.recipe, self.accelerator = recipe, accelerator
        self.batches = Batches(recipe, pictures)
        self.given, self.sharp = self.batches.validation()
        network = build(recipe.network, **shipped.arguments)
        if start is not None:
            start_from(network, start)
        share_batch_norm(accelerator, network)
        self.network = network.to(device, memory_format=torch.channels_last).train()
        self.average = averaged(self.network, shipped.ema) if shipped.ema else None
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=shipped.learning_rate, betas=shipped.betas)
        self.critics = {plan.name: Critic(plan, shipped.patch, accelerator) for plan in shipped.critics}
        self.with_branch = any(term.kind == "branch" for term in shipped.losses)
        self.features = features_of(shipped.losses, download)
        if self.features is not None:
            self.features.to(device, memory_format=torch.channels_last)
            self.features.calibrate(self.sharp)  # so that a recipe's weights mean the same whichever features there are

    def saved(self) -> list:
        """Everything with a state that a resumed run needs."""
        averages = [self.average] if self.average is not None else []
        return [self.network, self.optimiser, *averages, *self.critics.values()]

    def figures(self) -> list[str]:
        """Names of all figures that `step` and `validate` give."""
        names = [term.name for term in self.recipe.shipped.losses]
        names += [f"{what}/{name}" for name in self.critics for what in ("critic", "D_real", "D_fake")]
        return ["loss", *names, "validation_psnr", "validation_sharpness"]

    def about(self) -> dict:
        """What the card says of the losses."""
        terms = {term.name: term.weight for term in self.recipe.shipped.losses}
        return {"losses": terms, "features": self.features.source if self.features else None}

    def step(self, number: int, share: slice, rate: float) -> dict[str, Tensor]:
        """One step of everything: the critics learn, then the network.

        Args:
            number: of the step, which decides the batch.
            share: which crops of it belong to this process.
            rate: times every learning rate.

        Returns:
            Every figure but those of validation.
        """
        shipped = self.recipe.shipped
        self._freeze(number)
        for group in self.optimiser.param_groups:
            group["lr"] = shipped.learning_rate * rate
        given, sharp = self.batches.make(self.batches.draw(number)[share])
        given = given.contiguous(memory_format=torch.channels_last)
        branch = None
        with self.accelerator.autocast():
            if self.with_branch:
                branch, result = self.network.network(given, with_branch=True)
            else:
                result = self.network(given)
        result = result.float()
        rng = torch.Generator().manual_seed(shipped.seed * 1_000_003 + number * 101)
        # what the network cannot make must not give it away
        judged = without_grid(sharp) if shipped.arguments.get("anti_grid") else sharp
        figures: dict[str, Tensor] = {}
        for critic in self.critics.values():
            points = torch.rand(critic.plan.updates, shipped.batch, generator=rng)[:, share]
            figures |= critic.learn(judged, result.detach(), points, rate)
        direction = losses.direction_of(number)
        terms = self._losses(given, result, sharp, judged, branch, direction)
        total = sum(term.weight * terms[term.name] for term in shipped.losses)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        average_gradients(self.accelerator, self.network.parameters())
        self.optimiser.step()
        if self.average is not None:
            self.average.update_parameters(self.network)
        return {"loss": total.detach(), **{name: value.detach() for name, value in terms.items()}, **figures}

    def _freeze(self, number: int) -> None:
        shipped = self.recipe.shipped
        if number < shipped.alone or number == shipped.alone > 0:
            for name, parameter in self.network.network.named_parameters():
                parameter.requires_grad_(number >= shipped.alone or name.startswith(shipped.alone_layers))

    def _losses(
        self,
        given: Tensor,
        result: Tensor,
        sharp: Tensor,
        judged: Tensor,
        branch: Tensor | None,
        direction: tuple[int, int],
    ) -> dict[str, Tensor]:
        seen = wanted = None
        if self.features is not None:
            with self.accelerator.autocast():
                seen = self.features(result)
                with torch.no_grad():
                    wanted = self.features(judged)
        values = {}
        for term in self.recipe.shipped.losses:
            match term.kind:
                case "l1":
                    value = losses.l1(result, sharp)
                case "mse":
                    value = losses.mse(result, sharp)
                case "chroma":
                    value = losses.chroma(result, sharp)
                case "coarse":
                    value = losses.coarse(result, sharp)
                case "lattice":
                    value = losses.lattice(result, sharp)
                case "stripes":
                    with self.accelerator.autocast():
                        stripes = self.network(losses.striped(given, direction))
                    value = losses.unevenness(stripes.float(), direction)
                case "flat":
                    value = losses.flat(result, sharp)
                case "overshoot":
                    value = losses.overshoot(result, sharp)
                case "spectrum":
                    value = losses.spectrum_loss(result, sharp)
                case "tv":
                    value = losses.total_variation(result)
                case "content":
                    value = losses.content_loss(_only(seen, term.layers), _only(wanted, term.layers), term.distance)
                case "perceptual":
                    value = losses.resg_perceptual_loss(seen, wanted)
                case "texture":
                    value = losses.texture_loss(_only(seen, term.layers), _only(wanted, term.layers), term.block)
                case "gradient-map":
                    value = losses.gradient_map_loss(result, sharp)
                case "gradient-strength":
                    value = losses.gradient_strength(result, sharp)
                case "grid":
                    value = losses.grid(result, sharp)
                case "branch":
                    value = losses.branch_loss(branch.float(), sharp)
                case "adversarial":
                    value = self.critics[term.critic].judge(judged, result)
            values[term.name] = value
        return values

    def watch(self, means: dict[str, float], steps: int) -> None:
        """Look at the mean figures of the last `steps` steps; raises TrainingError where a critic has won."""
        for name, critic in self.critics.items():
            critic.watch(means[f"D_real/{name}"], means[f"D_fake/{name}"], steps)

    def _shipped_network(self) -> nn.Module:
        return self.network if self.average is None else self.average.module

    def validate(self, number: int) -> tuple[dict[str, float], Tensor]:
        """Restore the held-out crops with the weights that would be shipped now.

        Returns:
            PSNR in dB and sharpness against the sharp crops, and the restored crops (N, 3, H, W) for the tape.
        """
        network = self._shipped_network().eval()
        with torch.no_grad(), self.accelerator.autocast():
            result = network(self.given).float()
        network.train()
        check_finite(float(result.mean()), number)
        return {"validation_psnr": psnr(result, self.sharp), "validation_sharpness": sharpness(result, self.sharp)}, result

    def export(self, path: Path, card: dict) -> None:
        """Write the shipped weights in half precision, with their card."""
        weights.save(self._shipped_network(), path, card)


def _only(maps: dict[str, Tensor], layers: tuple[str, ...]) -> dict[str, Tensor]:
    return {layer: maps[layer] for layer in layers}
