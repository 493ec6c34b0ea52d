"""A tape as the data that the player in the browser draws: moments, plots and the words to read them by."""

from dataclasses import asdict
from pathlib import Path

from lab.errors import LabError
from lab.gallery.scenes import sha256_of
from lab.methods import METHODS, checkpoint
from lab.tapes import CROPS, ENDS, Moment, Tape, read
from lab.ui.store import ResultStore

LEARNED = tuple(key for key, method in METHODS.items() if method.kind == "learned")
"""The methods that could have a tape, in display order."""

LOSSES = {
    "loss": "All losses, weighted and added",
    "l1": "Absolute pixel error",
    "mse": "Squared pixel error",
    "coarse": "Pixel error after shrinking",
    "lattice": "Patterns that blocks repeat",
    "stripes": "Dots along stripes",
    "flat": "Pixel error on flat areas",
    "overshoot": "Lines beside edges",
    "grid": "A grid of 4x4 blocks",
    "spectrum": "Error of the spectrum",
    "chroma": "Error of the colours",
    "tv": "Total variation",
    "content": "Distance of features",
    "perceptual": "Distance of features",
    "texture": "Distance of textures",
    "gradient-map": "Error of the gradient map",
    "gradient-strength": "Error of the gradients' strength",
    "branch": "Error of the gradient branch",
}
WHAT_ONE_SEES = (
    "Crops of pictures that training never saw, restored by the network as it was after so many steps. The moments lie further "
    "and further apart, since most changes early; the plots space steps in the same way, and their upright line marks the moment "
    "shown."
)
SHARPNESS = (
    "PSNR says how close the pixels are to the original's, sharpness how strong the edges are: at 1 (dashed) they are as strong "
    "as in the original. Training for the smallest pixel error gives a high PSNR and a sharpness below 1, because the safest "
    "guess at a texture is its average. Training against a critic goes up in this plot, and usually to the left: sharper, and "
    "further from the original pixel by pixel. Above 1 there is more contrast than there was: halos, grids, invented dots."
)
PROBABILITIES = (
    "The critic is a second network that learns to tell sharp pictures from restored ones. D(real) is its mean verdict on sharp "
    "pictures, D(fake) on restored ones, from 0 (surely restored) to 1 (surely sharp); a relativistic critic, as of ESRGAN, says "
    "whether a picture looks sharper than the other kind does on average. Both near 0.5: it cannot tell them apart. "
    "Near 1 and near 0: it is sure of itself, and the restoring network learns little from it."
)
SCORES = (
    "The critic is a second network that learns to tell sharp pictures from restored ones. It gives scores without bounds: "
    "D(real) is the mean score of sharp pictures, D(fake) of restored ones, and what counts is the distance between the two."
)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.1f} minutes"


def _moment_text(moment: Moment) -> str:
    text = f"After {moment.step:,} step{'s' if moment.step != 1 else ''}, {_minutes(moment.seconds)}"
    if moment.psnr is not None:
        text += f": PSNR {moment.psnr:.2f} dB"
    return text + (f", sharpness {moment.sharpness:.2f}" if moment.sharpness is not None else "")


def _chart(key: str, title: str, lines: dict[str, list[tuple[int, float]]]) -> dict:
    """One plot over steps; lines without a point are left out."""
    series = [{"name": name, "points": [list(point) for point in points]} for name, points in lines.items() if points]
    ends = "; ".join(f"{line['name']} from {line['points'][0][1]:.4g} to {line['points'][-1][1]:.4g}" for line in series)
    return {"key": key, "kind": "steps", "title": title, "axis": "steps", "series": series, "label": f"{title}: {ends}."}


def _way(moments: list[Moment]) -> list[dict]:
    seen = [one for one in moments if one.psnr is not None and one.sharpness is not None]
    if len(seen) < 2:
        return []
    first, last = seen[0], seen[-1]
    ends = [f"{one.psnr:.2f} dB and {one.sharpness:.2f}" for one in (first, last)]
    label = f"Sharpness against PSNR: from {ends[0]} to {ends[1]}."
    points = [{"psnr": one.psnr, "sharpness": one.sharpness} for one in seen]
    title = "Sharpness against PSNR"
    return [
        {
            "key": "way",
            "kind": "way",
            "title": title,
            "axis": "across: PSNR in dB, up: sharpness",
            "points": points,
            "label": label,
        }
    ]


def charts_of(tape: Tape) -> list[dict]:
    """The plots, most telling first: sharpness against PSNR, both over steps, what critics think, and every loss."""
    curves = tape.curves
    charts = _way(tape.moments)
    for key, title in (("psnr", "PSNR of the crops, dB"), ("sharpness", "Sharpness of the crops")):
        points = [(one.step, getattr(one, key)) for one in tape.moments if getattr(one, key) is not None]
        charts.append(_chart(key, title, {title: points}))
    critics = [name.removeprefix("D_real/") for name in curves if name.startswith("D_real/")]
    for critic in critics:
        which = f", critic of the {critic}" if len(critics) > 1 else ""
        lines = {"D(real)": curves[f"D_real/{critic}"], "D(fake)": curves[f"D_fake/{critic}"]}
        charts.append(_chart(f"verdicts/{critic}", f"The critic's verdicts{which}", lines))
    for name, points in curves.items():
        kind, _, critic = name.partition("/")
        which = f" ({critic})" if critic and len(critics) > 1 else ""
        if kind == "adversarial":
            charts.append(_chart(name, f"Loss for being told apart{which}", {name: points}))
        elif kind == "critic":
            charts.append(_chart(name, f"The critic's own loss{which}", {name: points}))
        elif kind in LOSSES:
            charts.append(_chart(name, LOSSES[kind] + which, {name: points}))
    return [chart for chart in charts if chart["kind"] == "way" or chart["series"]]


def texts_of(tape: Tape) -> list[tuple[str, str]]:
    """What one sees, in plain words, as (head, text)."""
    texts = [("What you see", WHAT_ONE_SEES)]
    if _way(tape.moments):
        texts.append(("Sharpness against PSNR", SHARPNESS))
    verdicts = [value for name, points in tape.curves.items() if name.startswith(("D_real/", "D_fake/")) for _, value in points]
    if verdicts:
        texts.append(("D(real) and D(fake)", PROBABILITIES if min(verdicts) >= 0 and max(verdicts) <= 1 else SCORES))
    return texts


def _about(method: str, tape: Tape) -> str:
    """Which run this is, and whether the method's checkpoint comes from it."""
    about, path = tape.about, checkpoint(method)
    parts = [f"{about['name']}: {about['stage']}, {about['steps']:,} steps."]
    if (runs := about.get("runs", 1)) > 1:
        length = f"{about['steps']:,} steps in {_minutes(60 * about['minutes'])}"
        parts = [f"{about['name']}: {length}, by {runs} runs that went on from one another; of the last: {about['stage']}."]
        parts.append("Where a run had other losses than the one before, or other weights of them, the sum of all losses jumps.")
    if start := about.get("start_from"):
        began = METHODS[start].name if start in METHODS else start
        if start == method:
            parts.append("It went on from an earlier training of its own, which this tape does not show.")
        else:
            parts.append(f"It began from the weights of {began}, so that its first moment is close to what that one makes.")
    if after := about.get("self_ensemble_after"):
        parts.append(
            f"After step {after:,} the crops and their figures are of the mean of eight passes (self-ensemble), before of one: "
            "the jump there is not of training alone."
        )
    if path is None:
        parts.append("The lab has no checkpoint of this method now.")
    elif sha256_of(path) != about["checkpoint_sha256"]:
        parts.append("The checkpoint that Compare runs comes from another training than this one.")
    return " ".join(parts)


def _files(store: ResultStore, tape: Tape) -> dict[str, Path]:
    """The strips, copied to where the page serves files from."""
    names = [str(moment.step) for moment in tape.moments] + [end for end in ENDS if tape.strip(end)]
    folder = store.keep("tape", {f"{name}.webp": tape.strip(name).read_bytes() for name in names})
    return {name: folder / f"{name}.webp" for name in names}


def tape_view(method: str, store: ResultStore) -> dict:
    """The player's value for a method; without moments, and with the reason, where it has no tape.

    Raises:
        LabError: there is no such method.
    """
    if method not in LEARNED:
        raise LabError(f"'{method[:40]}' is not a method that learns.")
    name, tape = METHODS[method].name, read(method)
    if tape is None:
        why = (
            f"{name} has no tape here: nobody has kept the moments of its training. "
            f"python -m lab train {method} --ship trains it and puts them here."
        )
        return {"method": method, "why": why, "moments": [], "strips": {}}
    return {
        "method": method,
        "why": "",
        "about": _about(method, tape),
        "moments": [asdict(one) | {"text": _moment_text(one)} for one in tape.moments],
        "strips": _files(store, tape),
        "width": CROPS * _side(tape),
        "charts": charts_of(tape),
        "texts": texts_of(tape),
    }


def _side(tape: Tape) -> int:
    from PIL import Image

    with Image.open(tape.strip(tape.moments[-1].step)) as strip:  # reads the size, not the pixels
        return strip.height


def first_shown() -> str:
    """The method the tab opens with: the first of those with a critic that has a tape, else the first with a tape at all."""
    taped = [key for key in LEARNED if read(key)]
    with_critic = [key for key in taped if any(name.startswith("D_real/") for name in read(key).curves)]
    return (with_critic or taped or ["srgan"])[0]
