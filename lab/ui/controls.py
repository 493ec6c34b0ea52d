"""The left column: which picture, what blurs it, and which methods try to restore it."""

from dataclasses import dataclass, fields
from pathlib import Path

import gradio as gr

from lab.degrade import KINDS, MAX_NOISE, MAX_SEED, Degradation
from lab.errors import LabError
from lab.methods import METHODS, SEVEN
from lab.ui.address import DEFAULT_BLUR, Address
from lab.ui.comparison import Task, draws
from lab.ui.picker import OWN, Picker, choices
from lab.ui.pictures import FIRST, PICTURES
from lab.ui.uploads import KEPT

SHARP, BLURRED = "sharp", "blurred"
_STRENGTH = {"gaussian": 0.1, "motion": 1.0, "defocus": 0.1}
"""Kinds with a strength, and the step of its slider."""


class ChoiceError(LabError):
    """Choices that make no comparison; its text is the sentence to show."""


@dataclass(frozen=True)
class Controls:
    """The components, in the order in which their values reach `task_of`."""

    picker: Picker
    upload: gr.File
    mode: gr.Radio
    kind: gr.Radio
    gaussian: gr.Slider
    motion: gr.Slider
    defocus: gr.Slider
    seed: gr.Number
    noise: gr.Slider
    jpeg: gr.Slider
    output: gr.Radio
    methods: gr.CheckboxGroup

    def all(self) -> list[gr.components.Component]:
        """Every component, in order."""
        return [getattr(self, field.name) for field in fields(self)]


def build_controls() -> Controls:
    """Lay the controls out in the current column, set to the comparison the page opens with."""
    with gr.Group(elem_classes="lab-section"):
        gr.HTML("<h2>Picture</h2>", js_on_load=None)
        picker = Picker(choices(FIRST), elem_id="picture")
        upload = gr.File(label="Your own picture", file_types=["image"], height=48, elem_id="upload", show_label=False)
        kept = f"Your picture and its results are each kept for {KEPT} at most, and shown to nobody else."
        gr.HTML(f'<p class="lab-kept">{kept}</p>', js_on_load=None)
        mode = gr.Radio(
            [("Sharp picture: blur it", SHARP), ("Already blurred", BLURRED)],
            value=SHARP, label="The picture is", show_label=False, elem_id="mode",
        )  # fmt: skip
    with gr.Group(elem_classes="lab-section") as blur:
        gr.HTML("<h2>Blur</h2>", js_on_load=None)
        kind = gr.Radio(
            [(about.name, key) for key, about in KINDS.items()],
            value=DEFAULT_BLUR, label="Kind", show_label=False, elem_id="kind",
        )  # fmt: skip
        sliders = {key: _strength_slider(key) for key in _STRENGTH}
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=MAX_SEED, visible=False, elem_id="seed")
        with gr.Accordion("Noise and JPEG", open=False, elem_id="damage"):
            noise = gr.Slider(0, MAX_NOISE, 0, step=1, label="Noise, 8-bit steps", elem_id="noise")
            jpeg = gr.Slider(0, 100, 0, step=1, label="JPEG quality (0 is off)", elem_id="jpeg")
    with gr.Group(elem_classes="lab-section", visible=False) as size:
        gr.HTML("<h2>Size of the results</h2>", js_on_load=None)
        output = gr.Radio(
            [("The same", "same"), ("Four times", "x4")], value="same", label="Size", show_label=False, elem_id="output"
        )
    with gr.Group(elem_classes="lab-section"):
        gr.HTML("<h2>Methods</h2>", js_on_load=None)
        methods = gr.CheckboxGroup(
            [(method.name, key) for key, method in METHODS.items()],
            value=list(SEVEN), label="Methods", show_label=False, elem_id="methods",
        )  # fmt: skip
        with gr.Row(elem_classes="lab-quick"):
            seven = gr.Button("The seven", size="sm")
            everything = gr.Button("All", size="sm")
    # the outer list is the list of outputs: without it Gradio would take the first key for the whole choice
    seven.click(None, None, methods, js=f"() => [{list(SEVEN)}]")
    everything.click(None, None, methods, js=f"() => [{list(METHODS)}]")
    at_once = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    mode.change(_show_for_mode, mode, [blur, size], **at_once)
    kind.change(_show_for_kind, [kind, noise], [*sliders.values(), seed], **at_once)
    noise.change(_show_seed, [kind, noise], seed, **at_once)
    return Controls(picker, upload, mode, kind, *sliders.values(), seed, noise, jpeg, output, methods)


def _strength_slider(key: str) -> gr.Slider:
    kind = KINDS[key]
    label = f"{kind.parameter.capitalize()}, {kind.unit}"
    return gr.Slider(
        kind.low, kind.high, kind.default, step=_STRENGTH[key], label=label, info=kind.about, visible=False,
        elem_id=f"strength-{key}",
    )  # fmt: skip


def _show_for_mode(mode: str) -> list:
    return [gr.update(visible=mode == SHARP), gr.update(visible=mode == BLURRED)]


def _show_for_kind(kind: str, noise: float) -> list:
    return [*(gr.update(visible=kind == key) for key in _STRENGTH), _show_seed(kind, noise)]


def _show_seed(kind: str, noise: float) -> dict:
    return gr.update(visible=draws(kind, noise or 0))


def set_to(address: Address) -> list:
    """Updates that set every control, in the order of `Controls.all`, to what an address says."""
    degradation = address.degradation or Degradation(DEFAULT_BLUR)
    strengths = [
        gr.update(value=degradation.strength if degradation.kind == key else KINDS[key].default, visible=degradation.kind == key)
        for key in _STRENGTH
    ]
    return [
        choices(address.picture),
        gr.skip(),
        gr.update(value=SHARP if address.degradation else BLURRED),
        gr.update(value=degradation.kind),
        *strengths,
        gr.update(value=degradation.seed, visible=draws(degradation.kind, degradation.noise)),
        degradation.noise,
        degradation.jpeg or 0,
        address.output,
        list(address.methods),
    ]


def _read_upload(upload: str | None) -> bytes:
    if not upload:
        raise ChoiceError("There is no picture of yours yet: upload one, or choose an example.")
    try:
        return Path(upload).read_bytes()
    except FileNotFoundError:
        raise ChoiceError(f"Your picture was removed after {KEPT}: upload it again.") from None


def task_of(
    device: str, picture: str, upload: str | None, mode: str, kind: str, gaussian: float, motion: float, defocus: float,
    seed: float | None, noise: float, jpeg: float, output: str, chosen: list[str],
) -> Task:  # fmt: skip
    """The comparison the controls ask for.

    Raises:
        ChoiceError, lab.images.PictureError, lab.degrade.DegradationError: with a sentence for the visitor.
    """
    if not chosen:
        raise ChoiceError("No method is chosen: tick at least one.")
    source = _read_upload(upload) if picture == OWN else Path(PICTURES[picture].path).read_bytes()
    strength = {"gaussian": gaussian, "motion": motion, "defocus": defocus}.get(kind)
    degradation = None
    if mode == SHARP:
        degradation = Degradation(kind, strength, noise, int(jpeg) or None, int(seed or 0))
    return Task(
        source,
        degradation,
        tuple(key for key in METHODS if key in chosen),
        output if mode == BLURRED else "same",
        None if picture == OWN else picture,
        device,
    )


def own_picture(upload: str | None, chosen: str) -> dict:
    """The picker's new value after an upload, or after it was taken away (None).

    Raises:
        lab.images.PictureError: the file cannot be used.
    """
    if upload is None:
        return choices(FIRST if chosen == OWN else chosen)
    return choices(OWN, _read_upload(upload))
