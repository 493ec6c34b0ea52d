"""Weights files: the lab's own safetensors with a card, and other people's files, translated."""

from __future__ import annotations

import json
import os
import pickle
import re
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lab.cards import read_card
from lab.layouts import State, WeightsError, foreign, recognise
from lab.networks import RGBNetwork, build

__all__ = ["WeightsError", "WeightsInfo", "inspect", "load", "save"]

OWN_LAYOUT = "Clarity Lab"
METADATA = "clarity_lab_network"  # where the header of our files says which network it is
WRAPPERS = (
    "params_ema",
    "params",
    "state_dict",
    "model_state_dict",
    "model",
    "generator",
    "net",
    "netG",
    "ema_state_dict",
)
PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and torch.compile
NOT_PARAMETERS = ("running_mean", "running_var", "num_batches_tracked")
WHAT_TO_DO = "Open it once with its authors' code and save only network.state_dict() with torch.save, then load that."


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file is."""

    layout: str
    """Whose arrangement of keys: "ESRGAN, old architecture (2018)", "Clarity Lab", "spandrel: SwinIR"."""
    architecture: str
    """The network's name in `lab.networks.build`, or spandrel's name for it."""
    scale: int
    """How much larger its results are; 1 for same-size networks."""
    parameters: int
    """How many the file holds, aliases once, running statistics not counted."""
    note: str
    """What the file could not tell or what was decided about it; may be empty."""
    card: dict[str, Any] | None
    """The card beside one of the lab's own files."""


def save(network: RGBNetwork, path: str | Path, card: dict[str, Any]) -> None:
    """Write a network in half precision as safetensors, and its card as JSON beside it (same name, .json).

    The network's name and arguments go into both, so that the file loads without its card. Running statistics stay in
    single precision. `card` is not changed; its "network" and "parameters" are filled in.

    Raises:
        WeightsError: a weight is not finite or too large for half precision, or `network` came through spandrel.
    """
    if isinstance(network.network, foreign.ForeignNetwork):
        raise WeightsError(f"{network.name} came through spandrel and can only be run, not saved.")
    path = Path(path)
    description = {"name": network.name, "arguments": network.arguments}
    state = {key: stored(key, tensor) for key, tensor in network.network.state_dict().items()}
    parameters = sum(tensor.numel() for tensor in network.network.parameters())
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")  # whoever reads meanwhile sees the old file or the new one, never half of it
    save_file(state, part, metadata={METADATA: json.dumps(description)})
    os.replace(part, path)
    text = json.dumps({**card, "network": description, "parameters": parameters}, indent=2, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def stored(key: str, tensor: Tensor) -> Tensor:
    """A tensor as `save` writes it."""
    tensor = tensor.detach().cpu().contiguous()
    if not tensor.is_floating_point():
        return tensor
    result = tensor.float() if key.endswith(NOT_PARAMETERS) else tensor.half()
    if not torch.isfinite(result).all():
        raise WeightsError(f"{key} holds values that are not finite in half precision; this network was not saved.")
    return result


def load(path: str | Path) -> RGBNetwork:
    """Load a weights file: a network in eval mode, float32, without gradients: RGB [0, 1] in, RGB [0, 1] out.

    Raises:
        WeightsError: it is missing, damaged, unknown, or would have to run code to be read.
    """
    return opened(Path(path))[0]


def inspect(path: str | Path) -> WeightsInfo:
    """Say what a weights file is. Raises WeightsError as `load` does."""
    return opened(Path(path))[1]


def opened(path: Path) -> tuple[RGBNetwork, WeightsInfo]:
    """Load a weights file and describe it."""
    state, description = read(path)
    card = read_card(path)
    description = description or (card or {}).get("network")
    if card is not None and not card.get("restores", True):
        what = card.get("name", "a part of the lab")
        raise WeightsError(f"{path.name} cannot be used as a method: it holds {what}, which restores no pictures.")
    parameters = sum(tensor.numel() for key, tensor in state.items() if not key.endswith(NOT_PARAMETERS))
    if description is not None:
        network = own(state, description, path)
        return network, WeightsInfo(OWN_LAYOUT, network.name, network.scale, parameters, "", card)
    try:
        found = recognise(state, path.stem)
        if found is None:
            network = through_spandrel(state)
            layout = f"spandrel: {network.name}"
            return network, WeightsInfo(layout, network.name, network.scale, parameters, "", None)
        network = filled(found.name, found.arguments, found.state, found.layout)
    except WeightsError as error:
        raise WeightsError(f"{path.name} cannot be used. {error}") from error
    parameters -= sum(state[key].numel() for key in found.aliases)
    return network, WeightsInfo(found.layout, found.name, network.scale, parameters, found.note, None)


def own(state: State, description: Any, path: Path) -> RGBNetwork:
    """One of the lab's own files: the network is named in the file."""
    try:
        return filled(description["name"], description["arguments"], state, "a Clarity Lab file")
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{path.name} cannot be used: the description of its network is incomplete.") from error
    except WeightsError as error:
        raise WeightsError(f"{path.name} cannot be used. {error}") from error


def filled(name: str, arguments: dict[str, Any], state: State, layout: str) -> RGBNetwork:
    """Build a network and put the tensors in, every one of them and nothing else.

    Raises:
        WeightsError: the network cannot be built, or tensors are missing, left over, of other shapes or not finite.
    """
    try:
        with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
            network = build(name, **arguments)
    except (ValueError, RuntimeError, KeyError) as error:
        raise WeightsError(f"This looks like {layout}, but no such network can be built: {error}") from error
    expected = network.network.state_dict()
    # files from before PyTorch 0.4.1 lack this counter; nothing uses it here
    counters = {key: torch.zeros((), dtype=torch.long) for key in expected if key.endswith("num_batches_tracked")}
    state = {**counters, **state}
    for key, tensor in expected.items():
        if key not in state:
            raise WeightsError(f"This looks like {layout}, but its weights for {key} are missing.")
        if state[key].shape != tensor.shape:
            found = f"{tuple(state[key].shape)} where {tuple(tensor.shape)} belongs"
            raise WeightsError(f"This looks like {layout}, but {key} has the shape {found}.")
        if not torch.isfinite(state[key]).all():
            raise WeightsError(f"This looks like {layout}, but {key} holds values that are not finite.")
    for key in state.keys() - expected.keys():
        raise WeightsError(f"This looks like {layout}, but {key} {tuple(state[key].shape)} does not belong there.")
    network.network.load_state_dict(state, assign=True)
    return ready(network)


def through_spandrel(state: State) -> RGBNetwork:
    """A network the lab has no layers for."""
    network = foreign.recognise(state)
    return ready(RGBNetwork(network, network.descriptor.architecture.name, {}))


def ready(network: RGBNetwork) -> RGBNetwork:
    """In eval mode, float32, without gradients."""
    return network.float().eval().requires_grad_(False)


def read(path: Path) -> tuple[State, dict[str, Any] | None]:
    """The tensors of a file, as float32, and the lab's description of the network if the file is its own."""
    if path.is_dir():
        raise WeightsError(f"{path.name} is a folder, not a weights file.")
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    with open(path, "rb") as file:
        start = file.read(64)
    if not start:
        raise WeightsError(f"{path.name} is empty.")
    if start[8:9] == b"{":
        tensors, description = read_safetensors(path)
    elif start.startswith((b"PK\x03\x04", b"\x80")):
        tensors, description = read_torch(path, zipped=start.startswith(b"PK")), None
    else:
        raise WeightsError(not_weights(path.name, start))
    if not tensors:
        raise WeightsError(f"{path.name} holds no tensors.")
    state = {plain_key(key): tensor for key, tensor in tensors.items() if key != "n_averaged"}
    return {key: as_float(tensor) for key, tensor in state.items()}, description


def not_weights(name: str, start: bytes) -> str:
    """The sentence for a file whose first bytes belong to neither PyTorch nor safetensors."""
    text = start.decode("utf-8", errors="ignore")
    if 4 * len(text) >= len(start) > 0 and all(character.isprintable() or character in "\r\n\t" for character in text):
        shown = " ".join(text.split())[:40]
        return (
            f'{name} is text that begins "{shown}", not weights; perhaps the download saved a page instead of the file.'
        )
    return f"{name} is neither a PyTorch nor a safetensors file: it begins with the bytes {start[:8].hex(' ')}."


def plain_key(key: str) -> str:
    """A key without what DataParallel and torch.compile put in front."""
    while key.startswith(PREFIXES):
        key = key.split(".", 1)[1]
    return key


def as_float(tensor: Tensor) -> Tensor:
    """Floating-point tensors as float32, in memory of their own layout; others as they are."""
    return tensor.detach().float().contiguous() if tensor.is_floating_point() else tensor


def read_safetensors(path: Path) -> tuple[State, dict[str, Any] | None]:
    """The tensors of a safetensors file, and the lab's description of the network if there is one."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            described = (file.metadata() or {}).get(METADATA)
        return tensors, json.loads(described) if described else None
    except (SafetensorError, json.JSONDecodeError, ValueError) as error:
        raise WeightsError(f"{path.name} is a damaged or truncated safetensors file ({error}).") from error


def read_torch(path: Path, zipped: bool) -> State:
    """The tensors of a file written by torch.save, without running any code that the file may carry."""
    damaged = f"{path.name} is a damaged or truncated PyTorch file"
    if zipped and not zipfile.is_zipfile(path):
        raise WeightsError(f"{damaged}: its archive has no end.")
    try:
        with warnings.catch_warnings():  # of TorchScript archives, which the sentence below refuses
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        needed = re.search(r"GLOBAL ([\w.]+)", str(error))
        if needed:
            raise WeightsError(
                f"{path.name} is refused: to read it, Python would have to run code that the file names "
                f"({needed[1]}), and a file can name any code. {WHAT_TO_DO}"
            ) from error
        raise WeightsError(f"{damaged}, or not a PyTorch file at all.") from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise WeightsError(
                f"{path.name} is refused: it is a TorchScript archive, a program. {WHAT_TO_DO}"
            ) from error
        raise WeightsError(f"{damaged}, or an archive of another kind.") from error
    except Exception as error:  # a damaged pickle can fail in any way
        raise WeightsError(f"{damaged} ({type(error).__name__}).") from error
    return tensors_in(content, path.name)


def tensors_in(content: Any, name: str) -> State:
    """The state dict in what torch.load returned, out of its wrappers; EMA weights preferred where BasicSR has them."""
    if isinstance(content, Tensor):
        raise WeightsError(f"{name} holds a single tensor of shape {tuple(content.shape)}, not a network's weights.")
    if not isinstance(content, dict):
        raise WeightsError(f"{name} holds a {type(content).__name__}, not a network's weights.")
    for wrapper in WRAPPERS:
        if isinstance(content.get(wrapper), dict) and content[wrapper] and content[wrapper] is not content:
            return tensors_in(content[wrapper], name)
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        return tensors
    inner = [value for value in content.values() if isinstance(value, dict) and value is not content]
    if len(inner) == 1:
        return tensors_in(inner[0], name)
    shown = ", ".join(str(key) for key in list(content)[:6])
    raise WeightsError(f"{name} holds no tensors; its entries are: {shown or 'none'}.")
