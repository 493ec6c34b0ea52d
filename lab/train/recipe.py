"""A training recipe: a short YAML with the paper's values beside the ones shipped here."""

import hashlib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from lab.degrade import KINDS
from lab.errors import LabError

RECIPES = Path(__file__).parent / "recipes"
PIXEL_LOSSES = ("l1", "mse", "chroma", "coarse", "lattice", "tv")
FEATURE_LOSSES = ("content", "perceptual", "texture")
GRADIENT_LOSSES = ("gradient-map", "branch")
LOSSES = (*PIXEL_LOSSES, *FEATURE_LOSSES, *GRADIENT_LOSSES, "adversarial")
FORMS = ("standard", "relativistic", "wasserstein", "nonbn-resg")
CRITICS = ("srgan", "vgg128", "patchgan", "resg")
SEES = ("picture", "gradient-map")


class RecipeError(LabError):
    """A recipe that cannot be followed; its text is the sentence to show."""


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
        if self.kind not in KINDS:
            raise RecipeError(f"unknown degradation '{self.kind}': choose from {', '.join(KINDS)}.")
        has_strength = KINDS[self.kind].parameter is not None
        if has_strength and (self.low is None or self.high is None or not 0 < self.low <= self.high):
            raise RecipeError(f"{self.kind} needs low and high with 0 < low <= high.")
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
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.kind not in LOSSES:
            raise RecipeError(f"unknown loss '{self.kind}': choose from {', '.join(LOSSES)}.")
        if not self.weight > 0:
            raise RecipeError(f"the weight of {self.kind} must be above 0.")
        if self.kind in ("content", "texture") and not self.layers:
            raise RecipeError(f"the {self.kind} loss needs layers, as in layers: [conv5_4].")
        if self.distance not in ("l1", "mse"):
            raise RecipeError(f"unknown distance '{self.distance}': choose l1 or mse.")
        if (self.kind == "adversarial") != bool(self.critic):
            raise RecipeError("the adversarial loss, and no other, names a critic.")

    @property
    def name(self) -> str:
        """As in the curves."""
        return f"adversarial/{self.critic}" if self.critic else self.kind


@dataclass(frozen=True)
class CriticPlan:
    """A network that learns to tell restored pictures from sharp ones while the recipe's network learns to deceive it."""

    name: str
    """What adversarial losses call it."""
    network: str
    """One of CRITICS (lab.networks.discriminators)."""
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
        object.__setattr__(self, "betas", tuple(self.betas))
        for value, known in ((self.network, CRITICS), (self.form, FORMS), (self.sees, SEES)):
            if value not in known:
                raise RecipeError(f"critic {self.name}: unknown '{value}': choose from {', '.join(known)}.")
        if self.updates < 1 or not self.learning_rate > 0:
            raise RecipeError(f"critic {self.name}: updates must be at least 1, learning_rate above 0.")


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
        object.__setattr__(self, "betas", tuple(self.betas))
        object.__setattr__(self, "alone_layers", tuple(self.alone_layers))
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
    """First 12 hex digits of the SHA-256 of the YAML file."""

    def __post_init__(self):
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


def _only_known(where: str, given: dict, kind: type) -> None:
    known = {entry.name for entry in fields(kind)}
    unknown = set(given) - known
    if unknown:
        raise RecipeError(f"{where} has no entry '{sorted(unknown)[0]}': it takes {', '.join(sorted(known))}.")


def _shipped(given: dict) -> Shipped:
    terms = tuple(Term(**entry) for entry in given.get("losses", []))
    critics = tuple(CriticPlan(**entry) for entry in given.get("critics", []))
    return Shipped(**{**given, "losses": terms, "critics": critics})


def available() -> list[str]:
    """Names of the recipes that come with the lab."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def read(name_or_path: str | Path) -> Recipe:
    """Read and check a recipe: the name of one that comes with the lab, or a path to a YAML file.

    Raises:
        RecipeError: with a sentence that says what is wrong.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = RECIPES / f"{name_or_path}.yaml"
    if not path.is_file():
        raise RecipeError(f"there is no recipe '{name_or_path}': choose from {', '.join(available())}, or give a YAML file.")
    raw = path.read_bytes()
    try:
        given = yaml.safe_load(raw)
        if not isinstance(given, dict):
            raise RecipeError("it is not a mapping of names to values.")
        _only_known("the recipe", given, Recipe)
        _only_known("shipped", given.get("shipped", {}), Shipped)
        for entry in given.get("degradations", []):
            _only_known("a degradation", entry, Mixture)
        for entry in given.get("shipped", {}).get("losses", []):
            _only_known("a loss", entry, Term)
        for entry in given.get("shipped", {}).get("critics", []):
            _only_known("a critic", entry, CriticPlan)
        return Recipe(
            **{
                **given,
                "degradations": tuple(Mixture(**entry) for entry in given["degradations"]),
                "shipped": _shipped(given["shipped"]),
                "hash": hashlib.sha256(raw).hexdigest()[:12],
            }
        )
    except RecipeError as error:
        raise RecipeError(f"{path.name}: {error}") from None
    except (yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise RecipeError(f"{path.name} is not a complete recipe: {error}") from None
