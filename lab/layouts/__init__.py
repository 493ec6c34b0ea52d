"""The authors' ways of naming weights: each layout recognised by its keys and translated to the lab's networks."""

from __future__ import annotations

from lab.layouts import deblurgan, esrgan, luma, spsr, srresnet
from lab.layouts.keys import Found, State, WeightsError, sample

__all__ = ["Found", "State", "WeightsError", "recognise"]


def recognise(state: State, stem: str = "") -> Found | None:
    """Find whose layout a state dict has and translate it; None when the lab has no such network.

    Args:
        state: flat state dict, without wrappers and without `module.` or `_orig_mod.` prefixes.
        stem: the file's name, for the one layout (SRCNN) whose tensors do not tell the scale.

    Raises:
        WeightsError: the layout is clear but the file does not hold together.
    """
    try:
        # SPSR before ESRGAN: its trunk has ESRGAN's old keys.
        return (
            spsr.recognise(state)
            or esrgan.recognise(state)
            or srresnet.recognise(state)
            or deblurgan.recognise(state)
            or luma.recognise(state, stem)
        )
    except KeyError as error:
        raise WeightsError(
            f"Its keys begin as in a layout the lab knows, but the weights {error} are missing."
        ) from error
    except (IndexError, ZeroDivisionError) as error:
        raise WeightsError(f"Its keys fit a layout the lab knows, but the shapes do not: {sample(state)}.") from error
