"""A training recipe: a short YAML with the paper's values beside the ones shipped here."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from lab.degrade import KINDS
from lab.networks import build
from lab.networks.discriminators import VGG128, PatchGAN, ResGDiscriminator, SRGANDiscriminator
from lab.train.entries import RecipeError, check_betas, check_kinds, check_name, entry, several
from lab.train.losses import RESG_LAYERS

RECIPES = Path(__file__).parent / "recipes"
ENDINGS = (".yaml", ".yml")
PIXEL_LOSSES = ("l1", "mse", "chroma", "coarse", "lattice", "stripes", "flat", "overshoot", "spectrum", "tv")
FEATURE_LOSSES = ("content", "perceptual", "texture")
GRADIENT_LOSSES = ("gradient-map", "gradient-strength", "grid", "branch")
LOSSES = (*PIXEL_LOSSES, *FEATURE_LOSSES, *GRADIENT_LOSSES, "adversarial")
FORMS = ("standard", "relativistic", "wasserstein", "nonbn-resg")
CRITICS = {"srgan": SRGANDiscriminator, "vgg128": VGG128, "patchgan": PatchGAN, "resg": ResGDiscriminator}
NETWORKS = ("srcnn", "espcn", "srresnet", "rrdb", "spsr", "deblurgan", "resg", "srnet", "features")
SEES = ("picture", "gradient-map")
STRONGEST = {"gaussian": 4.0, "motion": 30.0, "defocus": 12.0}
"""Strengths in pixels whose kernels reach no farther than the margin that lab.train.data puts round a crop (16 pixels)."""


@dataclass(frozen=True)
class Mixture:
    """One kind of degradation that training draws."""

    kind: str
    """A key of lab.degrade.KINDS."""
    share: float = 1.0
    """How often, relative to the other entries."""
    low: float | None = None
    high: float | None = None
    """Range of the kind's strength in pixels, drawn evenly; None for x4-bicubic."""

    def __post_init__(self):
        check_kinds("a degradation", self)
        if self.kind not in KINDS:
            raise RecipeError(f"unknown degradation '{self.kind}': choose from {', '.join(KINDS)}.")
        has_strength = KINDS[self.kind].parameter is not None
        if has_strength and (self.low is None or self.high is None or not 0 < self.low <= self.high):
            raise RecipeError(f"{self.kind} needs low and high with 0 < low <= high.")
        if has_strength and not KINDS[self.kind].low <= self.low <= self.high <= STRONGEST[self.kind]:
            raise RecipeError(f"{self.kind} can be from {KINDS[self.kind].low:g} to {STRONGEST[self.kind]:g} pixels in training.")
        if not has_strength and (self.low is not None or self.high is not None):
            raise RecipeError(f"{self.kind} has no strength: leave low and high out.")
        if not self.share > 0:
            raise RecipeError(f"the share of {self.kind} must be above 0.")


@dataclass(frozen=True)
class Term:
    """One loss of the network that is trained."""

    kind: str
    """One of LOSSES; see lab.train.losses for what each computes and where it comes from."""
    weight: float
    layers: tuple[str, ...] = ()
    """Of the feature losses: layers by VGG-19's names (lab.train.features); the perceptual loss knows its own."""
    distance: str = "l1"
    """Of the content loss: l1 or mse."""
    block: int = 4
    """Of the texture loss: side of a block in pixels of the feature map."""
    critic: str = ""
    """Of the adversarial loss: the name of one of the recipe's critics."""

    def __post_init__(self):
        check_kinds("a loss", self)
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.kind not in LOSSES:
            raise RecipeError(f"unknown loss '{self.kind}': choose from {', '.join(LOSSES)}.")
        if not self.weight > 0:
            raise RecipeError(f"the weight of {self.kind} must be above 0.")
        if self.kind in ("content", "texture") and not self.layers:
            raise RecipeError(f"the {self.kind} loss needs layers, as in layers: [conv5_4].")
        if self.kind not in ("content", "texture") and self.layers:
            known = f"it has its own, {' and '.join(RESG_LAYERS)}" if self.kind == "perceptual" else "it looks at no features"
            raise RecipeError(f"the {self.kind} loss takes no layers: {known}.")
        if self.block < 1:
            raise RecipeError("a block of the texture loss must have at least 1 pixel a side.")
        if self.distance not in ("l1", "mse"):
            raise RecipeError(f"unknown distance '{self.distance}': choose l1 or mse.")
        if (self.kind == "adversarial") != bool(self.critic):
            raise RecipeError("the adversarial loss, and no other, names a critic.")

    @property
    def name(self) -> str:
        """As in the curves."""
        return f"adversarial/{self.critic}" if self.critic else self.kind


def _whole(where: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a network, looked over: whole numbers count blocks and channels, and none may be below 1."""
    for name, value in arguments.items():
        if any(isinstance(one, int) and not isinstance(one, bool) and one < 1 for one in _flat(value)):
            raise RecipeError(f"{where} cannot have {name}: {value}: its whole numbers start at 1.")
    return arguments


def _flat(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


@dataclass(frozen=True)
class CriticPlan:
    """A network that learns to tell restored pictures from sharp ones while the recipe's network learns to deceive it."""

    name: str
    """What adversarial losses call it."""
    network: str
    """A key of CRITICS."""
    form: str
    """One of FORMS: whose loss."""
    learning_rate: float
    arguments: dict[str, Any] = field(default_factory=dict)
    betas: tuple[float, float] = (0.9, 0.99)
    sees: str = "picture"
    """picture, or gradient-map: what it is shown."""
    updates: int = 1
    """How often it learns for each step of the network."""
    penalty: float = 10.0
    """Weight of the gradient penalty, in the form `wasserstein` alone."""
    spectral_norm: bool = False
    """Whether its convolutions and dense layers are kept to a Lipschitz constant of 1 (Miyato et al. 2018)."""

    def __post_init__(self):
        check_kinds("a critic", self)
        check_betas(f"critic {self.name}", self.betas)
        object.__setattr__(self, "betas", tuple(self.betas))
        for value, known in ((self.network, CRITICS), (self.form, FORMS), (self.sees, SEES)):
            if value not in known:
                raise RecipeError(f"critic {self.name}: unknown '{value}': choose from {', '.join(known)}.")
        if self.updates < 1 or not self.learning_rate > 0 or self.penalty < 0:
            raise RecipeError(f"critic {self.name}: updates must be at least 1, learning_rate above 0, penalty not below.")
        if self.form == "wasserstein" and (self.network != "patchgan" or self.penalty <= 0):
            raise RecipeError(
                f"critic {self.name}: the form wasserstein needs a penalty above 0, and patchgan: others' batch norm mixes "
                "the pictures whose gradients are judged one by one."
            )

    def build(self, side: int) -> nn.Module:
        """The network with fresh weights, for crops of this side."""
        sized = {} if self.network == "patchgan" else {"size": side}
        return CRITICS[self.network](**sized, **_whole("critic " + self.name, self.arguments))


@dataclass(frozen=True)
class Shipped:
    """The values training runs with."""

    arguments: dict[str, Any]
    """Of the network, see lab.networks.build."""
    patch: int
    """Side of a training crop in pixels of the sharp picture, a multiple of 4."""
    batch: int
    """Crops in one step, over all processes together."""
    steps: int
    learning_rate: float
    """Adam's at the start; it falls along a half cosine to a hundredth. The critics' fall with it."""
    betas: tuple[float, float]
    ema: float
    """Decay of the averaged weights, which are the ones shipped; 0 ships the raw ones."""
    seed: int
    losses: tuple[Term, ...] = ()
    """Added up. Empty for the feature network, which learns from labels."""
    critics: tuple[CriticPlan, ...] = ()
    alone: int = 0
    """Steps at the start in which only layers named in `alone_layers` are trained."""
    alone_layers: tuple[str, ...] = ()
    """Beginnings of layer names, as in [fusion]."""

    def __post_init__(self):
        check_kinds("shipped", self)
        check_betas("shipped", self.betas)
        object.__setattr__(self, "betas", tuple(self.betas))
        object.__setattr__(self, "alone_layers", tuple(self.alone_layers))
        terms = [term.name for term in self.losses]
        if twice := next((name for name in terms if terms.count(name) > 1), None):
            raise RecipeError(f"the loss {twice} is there twice: give each once.")
        names = [critic.name for critic in self.critics]
        used = [term.critic for term in self.losses if term.critic]
        if sorted(names) != sorted(used):
            raise RecipeError(
                f"critics ({', '.join(names) or 'none'}) and adversarial losses ({', '.join(used) or 'none'}) must match."
            )
        if self.patch < 16 or self.patch % 4:
            raise RecipeError(f"patch is {self.patch}: it must be a multiple of 4, at least 16.")
        if self.batch < 1 or self.steps < 1 or not self.learning_rate > 0 or not 0 <= self.ema < 1:
            raise RecipeError("batch and steps must be at least 1, learning_rate above 0, ema from 0 to below 1.")
        if self.alone < 0 or bool(self.alone) != bool(self.alone_layers):
            raise RecipeError("alone, a number of steps above 0, and alone_layers go together.")
        if not 0 <= self.seed < 2**31:
            raise RecipeError("seed must be from 0 to 2147483647.")
        _whole("the network", self.arguments)


@dataclass(frozen=True)
class Recipe:
    """Everything a training run needs but the pictures."""

    name: str
    """Also the name of the checkpoint."""
    title: str
    """As on screen; says what was scaled down."""
    network: str
    """See lab.networks.build; `features` for the lab's own feature network."""
    degradations: tuple[Mixture, ...]
    paper: dict[str, Any]
    """What the paper did, for readers; training does not use it."""
    shipped: Shipped
    stage: str
    """How far these weights come, as one phrase for the page."""
    differs: str = ""
    """What is unlike the paper, as one phrase for the page."""
    start_from: str | None = None
    """Name of a recipe whose checkpoint the weights start from, as far as names and shapes agree."""
    hash: str = ""
    """First 12 hex digits of the SHA-256 of the YAML file's values."""
    values: dict[str, Any] = field(default_factory=dict, repr=False)
    """The YAML file's values, as `from_values` takes them."""

    def __post_init__(self):
        check_kinds("the recipe", self)
        check_name("name", self.name)
        if self.start_from is not None:
            check_name("start_from", self.start_from)
        if self.network not in NETWORKS:
            raise RecipeError(f"unknown network '{self.network}': choose from {', '.join(NETWORKS)}.")
        if self.network == "features" and (self.shipped.losses or self.start_from):
            raise RecipeError("the feature network learns from labels, and from nothing: leave losses and start_from out.")
        kinds = [entry.kind for entry in self.degradations]
        if not kinds or len(set(kinds)) < len(kinds):
            raise RecipeError("degradations must name at least one kind, and each kind once.")
        if self.network != "features" and not self.shipped.losses:
            raise RecipeError("shipped needs losses, as in losses: [{kind: l1, weight: 1}].")
        if any(term.kind == "branch" for term in self.shipped.losses) and self.network != "spsr":
            raise RecipeError("only spsr has the gradient branch that the branch loss trains.")
        if self.quarter_size and kinds != ["x4-bicubic"]:
            raise RecipeError(f"{self.network} enlarges four times, so x4-bicubic is the only degradation it can train on.")

    @property
    def quarter_size(self) -> bool:
        """Whether the network takes the x4-bicubic picture at its own size, rather than enlarged again."""
        return self.network in ("srcnn", "espcn", "srresnet", "rrdb", "spsr")


def check_networks(recipe: Recipe) -> None:
    """Raise RecipeError where the recipe's network or a critic cannot be made as it says; nothing is computed for it."""
    shipped = recipe.shipped
    try:
        with torch.device("meta"):
            network = build(recipe.network, **shipped.arguments).network
    except Exception as error:  # whatever a constructor makes of arguments that nobody foresaw
        raise RecipeError(f"the network {recipe.network} cannot be built: {error}") from None
    names = [name for name, _ in network.named_parameters()]
    for beginning in shipped.alone_layers:
        if not any(name.startswith(beginning) for name in names):
            raise RecipeError(f"alone_layers: {recipe.network} has no layer that begins with '{beginning}'.")
    if any(term.kind == "stripes" for term in shipped.losses):
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d) or (isinstance(layer, nn.Dropout) and layer.p > 0):
                kind = type(layer).__name__
                raise RecipeError(f"the loss stripes cannot be had with {kind}, which would take stripes for pictures.")
    for plan in shipped.critics:
        try:
            with torch.device("meta"):
                side = shipped.patch + (2 if plan.sees == "gradient-map" else 0)
                plan.build(shipped.patch)(torch.empty(2, 3, side, side))
        except Exception as error:
            raise RecipeError(f"critic {plan.name} cannot judge crops of {shipped.patch} pixels: {error}") from None


def available() -> list[str]:
    """Names of the recipes that come with the lab."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def from_values(given: Any) -> Recipe:
    """Check the values of a YAML file, and make a recipe of them.

    Raises:
        RecipeError: with a sentence that says what is wrong.
    """
    if not isinstance(given, dict) or not isinstance(given.get("shipped"), dict):
        raise RecipeError("it is not a mapping of names to values, with shipped among them.")
    shipped = dict(given["shipped"])
    shipped["losses"] = several("losses", Term, shipped.get("losses", ()))
    shipped["critics"] = several("critics", CriticPlan, shipped.get("critics", ()))
    parts = {"shipped": entry("shipped", Shipped, shipped)}
    parts["degradations"] = several("degradations", Mixture, given.get("degradations"))
    recipe = entry("the recipe", Recipe, given | parts)
    if recipe.network != "features":
        check_networks(recipe)
    values = json.dumps(given, sort_keys=True, default=str)  # comments may change
    return replace(recipe, hash=hashlib.sha256(values.encode()).hexdigest()[:12], values=given)


def run_name(name_or_path: str | Path, recipe: Recipe) -> str:
    """The name of a run's folder: the recipe's own, but for those in folders of the lab's recipes.

    first/srgan and srgan make the same checkpoint, but are two trainings.

    Args:
        name_or_path: as `read` took it.
        recipe: what `read` made of it.
    """
    return recipe.name if Path(name_or_path).suffix in ENDINGS else "-".join(Path(name_or_path).parts)


def read(name_or_path: str | Path) -> Recipe:
    """Read and check a recipe: the name of one that comes with the lab, or a path to a YAML file.

    Raises:
        RecipeError: with a sentence that says what is wrong.
    """
    path = Path(name_or_path)
    if path.suffix not in ENDINGS:
        path = RECIPES / f"{name_or_path}.yaml"
    if not path.is_file():
        raise RecipeError(f"there is no recipe '{name_or_path}': choose from {', '.join(available())}, or give a YAML file.")
    raw = path.read_bytes()
    try:
        return from_values(yaml.safe_load(raw))
    except RecipeError as error:
        raise RecipeError(f"{path.name}: {error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is not YAML that can be read: {' '.join(str(error).split())}") from None
