"""A comparison as the data that the viewer in the browser draws: texts, ranks and files, nothing left to compute there."""

import math
from collections.abc import Sequence
from pathlib import Path

from lab.methods import METHODS
from lab.metrics import CONVENTIONS, EVERY_METRIC, METRICS, Figure, card, screen_name
from lab.metrics.models import FETCHED_AS, LAB, Models, current
from lab.ui.comparison import INPUT, REFERENCE, Comparison, Entry, Pane
from lab.ui.measuring import Measured, columns

CONVENTION_TEXTS = {
    "sr": ("sr", "Luma (BT.601, 16 to 235), 4 pixels of border left out: the convention of super-resolution papers"),
    "rgb": ("rgb", "All three colour channels, no border left out: the convention of deblurring papers"),
}
WHY_FOUR = (
    "The same pixels have four PSNRs, and more. On luma in 16 to 235 without the border, as super-resolution papers measure: "
    "convention sr. With luma rounded to whole numbers, as MATLAB does it: up to 0.015 dB less. With the border counted: a "
    "little more or less. On RGB, which has more contrast and so larger errors, as deblurring papers measure: convention rgb, "
    "1.4 to 2.5 dB less. Point at a PSNR to read all four of a result. Figures of two conventions never compare."
)

PREPARING = {"panes": [], "status": {"text": "preparing the picture", "busy": True, "running": ""}}
"""A view that leaves the panes as they are and says that work has begun."""
SETTLED = {"panes": [], "status": None}
"""A view that takes PREPARING back."""
BROKEN_OFF = "Something went wrong, so it stopped here: Run tries again what is missing."


def sentence(text: str) -> str:
    """A reason as it is written on the page: with a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def seconds_text(seconds: float) -> str:
    """Three significant digits at most: 0.004, 0.35, 1.2, 84."""
    if seconds < 0.1:
        return f"{seconds:.3f}"
    return f"{seconds:.2f}" if seconds < 1 else f"{seconds:.1f}" if seconds < 20 else f"{seconds:.0f}"


def figure_text(key: str, figure: Figure) -> str:
    """A figure with the metric's decimals; a dash where there is none."""
    if figure.value is None:
        return "–"
    return "∞" if math.isinf(figure.value) else f"{figure.value:.{EVERY_METRIC[key].decimals}f}"


_WORSE = {"higher": lambda value: -value, "lower": lambda value: value, "nearest 1": lambda value: abs(value - 1)}
"""What grows as a figure gets worse, by what its metric calls better."""


def ranks(key: str, figures: dict[str, Figure]) -> dict[str, int]:
    """1 for the best method and 2 for the second best, by what is written; equal texts share a rank."""
    values = {method: f.value for method, f in figures.items() if f.value is not None}
    metric = EVERY_METRIC[key]
    written = {m: v if math.isinf(v) else round(v, metric.decimals) for m, v in values.items()}
    order = sorted(set(written.values()), key=_WORSE[metric.better])
    if len(written) < 2:
        return {}
    return {method: order.index(value) + 1 for method, value in written.items() if order.index(value) < 2}


def _cells(measured: Measured | None, ranked: dict[str, dict[str, dict[str, int]]], pane: str) -> dict:
    """Texts of the figures by convention and metric; those not measured yet have none, and a state that says so."""
    if measured is None:
        return {convention: {} for convention in CONVENTIONS}
    return {
        convention: {
            key: _cell(key, measured, convention, ranked[convention].get(key, {}).get(pane, 0)) for key in columns()
        }
        for convention in CONVENTIONS
    }


def _cell(key: str, measured: Measured, convention: str, rank: int) -> dict:
    figure = measured.figures[convention].get(key)
    if figure is None:
        waiting = measured.state == "waiting"
        why = "Being measured." if waiting else "Cancelled before it was measured."
        return {"text": "" if waiting else "–", "why": why, "note": "", "rank": 0, "measuring": waiting}
    psnrs = "\n".join(f"{what}: {figure_text(key, Figure(value, convention))} dB" for what, value in measured.psnrs)
    return {
        "text": figure_text(key, figure),
        "why": sentence(figure.why_not) if figure.why_not else "",
        "note": f"The same pixels, measured in four ways:\n{psnrs}" if key == "psnr" and psnrs else "",
        "rank": rank,
        "measuring": False,
    }


def _ranked(comparison: Comparison) -> dict[str, dict[str, dict[str, int]]]:
    """Ranks among the methods, by convention, metric and method."""
    methods = {method: comparison.measured[method] for method in comparison.panes if method in comparison.measured}
    return {
        convention: {
            key: ranks(key, {m: one.figures[convention][key] for m, one in methods.items() if key in one.figures[convention]})
            for key in columns()
        }
        for convention in CONVENTIONS
    }


def _input_given(comparison: Comparison) -> str:
    wide, high = comparison.input.facts["given_size"]
    degradation = comparison.task.degradation
    how = "already blurred" if degradation is None else str(degradation)
    return f"{wide} x {high}, {how}"


def _about(method: str, facts: dict) -> str:
    """A pane's tooltip: what the method is, and, of a network, how the one that ran is unlike it."""
    card = METHODS[method]
    about = f"{card.about} {card.paper}."
    if card.kind == "classical":
        return about
    parts = [("in the paper", about), ("here", facts.get("stage")), ("unlike the paper", facts.get("differs"))]
    return " ".join(sentence(f"{head}: {text}") for head, text in parts if text)


def _method_pane(method: str, pane: Pane, measured: Measured | None, ranked: dict) -> dict:
    card, facts = METHODS[method], pane.entry.facts if pane.entry else {}
    return {
        "key": method,
        "name": card.name,
        "full_name": facts.get("name", card.name),
        "size": facts.get("name", "").removeprefix(card.name).lstrip(", "),
        "about": _about(method, facts),
        "color": card.color,
        "state": pane.state,
        "reason": sentence(pane.reason) if pane.reason else "",
        "images": _images(pane.entry, measured),
        "figures": _cells(measured, ranked, method),
        "seconds": seconds_text(facts["seconds"]) if facts else "",
        "device": facts.get("device", ""),
        "given": sentence(facts["given"]) if facts else "",
        "in_domain": facts.get("in_domain"),
        "checkpoint": facts.get("checkpoint") or "",
        "sha": facts.get("checkpoint_sha") or "",
        "stage": facts.get("stage", ""),
        "differs": facts.get("differs", ""),
    }


def _plain_pane(key: str, name: str, entry: Entry | None, measured: Measured | None = None, given: str = "") -> dict:
    empty = ("size", "about", "color", "reason", "seconds", "device", "checkpoint", "sha", "stage", "differs")
    return {
        **dict.fromkeys(empty, ""),
        "key": key,
        "name": name,
        "full_name": name,
        "state": "done" if entry else "waiting",
        "images": _images(entry, measured),
        "figures": _cells(measured, {convention: {} for convention in CONVENTIONS}, key),
        "given": given,
        "in_domain": None,
    }


def _images(entry: Entry | None, measured: Measured | None) -> dict[str, Path]:
    files = entry.files() if entry else {}
    return files | ({"distance": measured.distance} if measured and measured.distance else {})


STORED = "Stored results, computed with these checkpoints and kept with the lab. Run computes them here and now."


def _stored_status(states: list[str]) -> dict:
    """The progress line of stored results."""
    absent = states.count("absent")
    lacking = f" Not stored: {absent} of {len(states)}." if absent else ""
    return {"text": STORED + lacking, "busy": False, "running": ""}


def status_of(comparison: Comparison) -> dict:
    """The progress line: its text, whether work goes on, and the method that runs."""
    states = [pane.state for pane in comparison.panes.values()]
    if comparison.stored:
        return _stored_status(states)
    done, total = states.count("done"), len(states)
    running = next((METHODS[m].name for m, p in comparison.panes.items() if p.state == "running"), "")
    text = f"{done} of {total} done"
    if failed := states.count("failed"):
        text += f", {failed} could not run"
    if cancelled := states.count("cancelled"):
        text += f", {cancelled} cancelled"
    if running:
        text += f", {running} running"
    elif "waiting" in states:
        text += ", waiting"
    measuring = "waiting" in [one.state for one in list(comparison.measured.values())]  # a copy: threads insert
    if measuring and not running and "waiting" not in states:
        text += ", measuring"
    return {"text": text, "busy": bool(running) or "waiting" in states or measuring, "running": running}


def view_of(comparison: Comparison, address: str = "") -> dict:
    """The whole value of the viewer component (files still as paths).

    Args:
        comparison: what there is so far; PREPARING where there is no input yet.
        address: the query string that leads back to it; empty leaves the browser's address as it is.
    """
    if comparison.input is None:
        return PREPARING
    ranked, measured = _ranked(comparison), comparison.measured
    panes = [
        _plain_pane(INPUT, "Input", comparison.input, measured.get(INPUT), _input_given(comparison)),
        *(_method_pane(method, pane, measured.get(method), ranked) for method, pane in comparison.panes.items()),
    ]
    if comparison.reference:
        panes.append(_plain_pane(REFERENCE, "Reference", comparison.reference, measured.get(REFERENCE)))
    for pane in panes:
        pane["stored"] = comparison.stored
    facts = comparison.input.facts
    return {
        "subject": f"{comparison.task.hash} {facts['size']}",
        "address": address,
        "size": facts["size"],
        "spot": facts["spot"],
        "has_reference": comparison.reference is not None,
        "stored": comparison.stored,
        "panes": panes,
        "status": status_of(comparison),
        **_columns(comparison.models),
    }


def broken_off(comparison: Comparison | None, address: str = "") -> dict:
    """The view of a comparison that a fault has ended: what was still open is marked as cancelled, and the progress line says so.

    Args:
        comparison: as far as it came; SETTLED where there is none, or no input yet.
        address: as for `view_of`.
    """
    if comparison is None or comparison.input is None:
        return SETTLED
    comparison.cancel()
    view = view_of(comparison, address)
    return view | {"status": {**view["status"], "text": f"{view['status']['text']}. {BROKEN_OFF}"}}


def blank_view(methods: Sequence[str], size: tuple[int, int]) -> dict:
    """The viewer before anything is known: empty panes at their final size.

    Args:
        methods: keys of the panes between the input and the reference.
        size: (width, height) of the picture to come.
    """
    panes = [_method_pane(method, Pane(), None, {}) for method in methods]
    return {
        "subject": "",
        "address": "",
        "size": list(size),
        "spot": [size[0] // 2, size[1] // 2],
        "has_reference": True,
        "stored": False,
        "panes": [_plain_pane(INPUT, "Input", None), *panes, _plain_pane(REFERENCE, "Reference", None)],
        "status": {"text": "", "busy": True, "running": ""},
        **_columns(current()),
    }


def _columns(models: Models) -> dict:
    """What the table has columns and switches for, and whether there is a distance to map."""
    return {
        "metrics": [_column(key, models) for key in columns()],
        "conventions": [{"key": key, "name": name, "about": about} for key, (name, about) in CONVENTION_TEXTS.items()],
        "has_distance": models.lpips is not None,
        "distance_name": screen_name("lpips", models),
        "models_hint": models_hint(models),
        "why_four": WHY_FOUR,
    }


def _column(key: str, models: Models) -> dict:
    """One column of the table, with the card of its metric."""
    metric, lines = METRICS[key], card(key, models)
    return {
        "key": key,
        "name": screen_name(key, models),
        "better": metric.better,
        "card": [[what, text] for what, text in lines],
    }


def models_hint(models: Models) -> str:
    """What to do where the official files of some metrics are missing; empty where none is."""
    own = [screen_name(key, models) for key in ("lpips", "niqe", "ma", "pi") if models.variant(key) == LAB]
    missing = [METRICS[key].name for key in FETCHED_AS if not models.variant(key)]
    parts = []
    if own:
        parts.append(f"{', '.join(own)}: the lab's own models, not comparable with published values.")
    if missing:
        parts.append(f"{', '.join(missing)}: no model here.")
    return " ".join([*parts, "For the official ones run python -m lab weights fetch all."]) if parts else ""
