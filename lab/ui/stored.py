"""What the page says of a result of the gallery: its facts, and its figures where they still mean the same."""

from typing import Literal

from lab.compare import NO_INPUT_FIGURES
from lab.gallery.scenes import Row
from lab.metrics import CONVENTIONS, METRICS, Figure
from lab.metrics.models import FETCHED_AS, Models
from lab.ui.measuring import ITSELF, Measured, columns

ABSENT = "Not among the stored results: press Run to compute it."
NOT_STORED = "This figure is not stored: Run measures it."
OTHER_MODELS = "The stored figure comes from another model than the one here: Run measures it anew."


def facts(row: Row) -> dict:
    """What is known of a stored result, by the names of a result's facts in the store."""
    names = ("name", "seconds", "given", "in_domain", "checkpoint", "stage", "differs", "device")
    sha = row.facts["checkpoint_sha256"]
    return {name: row.facts[name] for name in names} | {"checkpoint_sha": sha[:12] if sha else None}


def measured(row: Row | None, models: Models, kind: Literal["result", "input", "reference"] = "result") -> Measured:
    """The stored figures of a pane, for every column of the table; the reason where there is none.

    Args:
        row: None for an input that is smaller than the output, which is not measured.
        models: what metrics run on here; figures of other models do not go into the same table.
        kind: of the reference, only what needs no reference is measured.
    """
    same = row is not None and row.measured_with(models)
    figures = {}
    for convention in CONVENTIONS:
        kept = row.figures[convention] if row else {}
        figures[convention] = {key: _figure(key, kept.get(key), convention, row is None, same, kind) for key in columns()}
    return Measured("done", figures, row.psnrs if row else [])


def _figure(key: str, figure: Figure | None, convention: str, small: bool, same: bool, kind: str) -> Figure:
    if kind == "input" and small:
        return Figure(None, convention, why_not=NO_INPUT_FIGURES)
    if kind == "reference" and METRICS[key].needs_reference:
        return Figure(None, convention, why_not=ITSELF)
    if figure is None:
        return Figure(None, convention, why_not=NOT_STORED)
    by_model = key == "pi" or key in FETCHED_AS
    return Figure(None, convention, why_not=OTHER_MODELS) if by_model and not same else figure
