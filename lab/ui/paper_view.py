"""The paper's tab as the data that the browser draws: sections of words, tables and figures from the files under assets/paper.

Every section names the command that made its figures; where a file is missing the section says so and how to make it, and where a
checkpoint has changed since, it says that.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from lab import methods
from lab.ablation import losses_stored, stored
from lab.ablation.paper import FAMILY, differences
from lab.cards import CardError
from lab.degrade import KINDS
from lab.methods import METHODS
from lab.ui import paper_text as words
from lab.ui.paper_detection import detection_table
from lab.ui.paper_files import Pictures, changed_since, find_plots, measured_on, read_facts
from lab.ui.paper_tables import BLURRED, ablation_table, blur_name, plain_table
from lab.ui.store import ResultStore

PAPER_TRAINING = "500,000 steps on DIV2K"


def _section(key: str, title: str, *texts: str, **parts: Any) -> dict[str, Any]:
    empty = {"steps": [], "tables": [], "pictures": [], "notes": [], "command": "", "missing": "", "link": None}
    return {"key": key, "title": title, "texts": list(texts), **empty, **parts}


def _cards() -> dict[str, dict[str, Any]]:
    """The cards of the four that are there and can be read."""
    cards = {}
    for key in FAMILY:
        with suppress(CardError):
            cards[key] = methods.card(key) or {}
    return cards


def _stages() -> list[str]:
    """How far the lab's four have been trained, in their cards' words: they may lack what is said here of the paper's."""
    stages = [f"{METHODS[key].name}: {card['stage']}" for key, card in _cards().items() if card.get("stage")]
    return [f"The lab's own, so far. {'; '.join(stages)}."] if stages else []


def _trained() -> str:
    """How long the lab trained the four, and on what, from the cards that are there and can be read."""
    cards = list(_cards().values())
    steps = max((card["steps"] for card in cards if isinstance(card.get("steps"), int)), default=None)
    data = {card["data"] for card in cards if isinstance(card.get("data"), str)}
    last = " in the last stage, after others," if any(card.get("start_from") for card in cards) else ""
    return (f"at most {steps:,} steps" if steps else "fewer steps") + last + (f" on {data.pop()}" if len(data) == 1 else "")


def _why_other() -> str:
    """What is unlike the paper in how the four were trained."""
    return (
        f"Why orders may differ: the paper trained each network for {PAPER_TRAINING}, the lab for {_trained()}. "
        "The paper does not state its blur and prints no weights of its losses: both are chosen here, and five losses are "
        "added. Guesses, not tested: skips may pay only in longer training; and against the same critic the absolute error may "
        "hold a network less than the squared one, which costs PSNR where the blurred picture says least."
    )


def idea() -> dict[str, Any]:
    """What the paper does, and its four steps."""
    steps = [
        {
            "key": key,
            "name": METHODS[key].name,
            "color": METHODS[key].color,
            "change": change,
            "lines": [["What it does", does], ["What the paper sees", sees]],
        }
        for key, (change, does, sees) in words.STEPS.items()
    ]
    return _section("idea", "What the paper does", *words.IDEA, steps=steps, notes=[words.OPEN, *_stages()])


def table(kept: stored.Stored | None) -> dict[str, Any]:
    """The paper's Table 1 with the lab's figures beside it, one table a condition."""
    title = "Is every step worth it?"
    if kept is None:
        missing = "The four have not been measured here yet: python -m lab ablation FOLDER --ship measures them on your pictures."
        return _section("table", title, missing=missing)
    text = (
        f"The paper's Table 1 beside the means over {measured_on(kept.about) or 'the pictures named below'}, all channels of "
        "the whole picture. The paper's pictures are others and its blur is not stated: compare orders and distances alone."
    )
    unlike = any(differences(rows) for rows in kept.conditions.values())
    return _section(
        "table", title, text,
        tables=[ablation_table(kept, condition) for condition in kept.conditions],
        notes=([_why_other()] if unlike else []) + changed_since(kept.checkpoints),
        command=kept.command,
    )  # fmt: skip


def panels(blur: str, title: str, link: str) -> dict[str, Any]:
    """The words above the viewer.

    Args:
        blur: text form of the degradation.
        title: of the example picture.
        link: the query string that opens Compare with the same.
    """
    text = f"{words.PANELS} Here: {title}, {blur_name(blur)}."
    return _section(
        "panels",
        "The six panels",
        text,
        link={"text": "Open these in Compare (a new tab), to change picture and blur", "to": link},
    )


def closeups(kept: stored.Stored | None, pictures: Pictures) -> dict[str, Any]:
    """The paper's Figure 5, made anew."""
    title, path = "Close-ups", kept and kept.closeups
    if path is None:
        return _section(
            "closeups", title, missing="No close-ups are stored here yet: python -m lab ablation FOLDER --ship makes them."
        )
    names = ", ".join(METHODS[key].name for key in FAMILY)
    blur = blur_name(next(iter(kept.conditions), ""))
    caption = f"{blur}. A spot a row; from left to right blurred, {names}, sharp."
    alt = f"Close-ups of a face, hair, eyes and lettering: blurred, {names}, sharp."
    strip = pictures.add(path, "strip", caption, alt)
    return _section(
        "closeups", title, words.CLOSEUPS, pictures=[strip], notes=changed_since(kept.checkpoints), command=kept.command
    )


def losses(kept: losses_stored.StoredLosses | None, pictures: Pictures) -> dict[str, Any]:
    """The loss ablation: its table and its strip."""
    title = "The loss, term by term"
    if kept is None:
        missing = (
            "The terms of the loss have not been compared here yet: python -m lab ablation-losses FOLDER --runs RUNS --ship does."
        )
        return _section("losses", title, words.TERMS, missing=missing)
    (found,) = kept.about["conditions"].values()
    rows = [(key, BLURRED if key == stored.INPUT else label, row) for key, (label, row) in zip(found, kept.rows, strict=True)]
    variants, convention = kept.about.get("variants", {}), kept.about.get("convention", "rgb")
    of = measured_on(kept.about)
    shown = plain_table(
        "losses", f"{blur_name(kept.blur)}; {kept.steps:,} steps each{f'; {of}' if of else ''}", rows, variants, convention
    )
    labels = ", ".join(label for key, label, _ in rows if key != stored.INPUT)
    caption = f"From left to right: blurred, {labels}, sharp."
    strip = [pictures.add(kept.strip, "strip", caption, f"Crops of a face and of lettering. {caption}")] if kept.strip else []
    return _section("losses", title, words.TERMS, tables=[shown], pictures=strip, command=kept.command)


def curves(
    key: str, title: str, text: str, missing: str, facts: dict[str, Any] | None, paths: list[Path], pictures: Pictures
) -> dict[str, Any]:
    """A section of drawn curves, with what made them.

    Args:
        key, title, text: of the section.
        missing: the sentence where facts or curves are not there.
        facts: the JSON file: "command", "pictures", "checkpoints".
        paths: of the curves.
        pictures: takes the files along.
    """
    if facts is None or not paths:
        return _section(key, title, text, missing=missing)
    names = {path: _plot_name(path.stem) for path in paths}
    shown = [pictures.add(path, "plot", name, f"Curves: {title}, {name}.") for path, name in names.items()]
    of = measured_on(facts)
    notes = ([f"Measured on {of}."] if of else []) + changed_since(facts.get("checkpoints", {}))
    return _section(key, title, text, pictures=shown, notes=notes, command=facts["command"])


def detection(facts: dict[str, Any] | None) -> dict[str, Any]:
    """What an object detector finds; `facts` is detection.json."""
    key, title, shown = "detection", "And an object detector?", facts and detection_table(facts)
    if not shown:
        missing = (
            "No detector has looked at results here yet: python benchmarks/detection.py FOLDER lets one look, and says where to "
            "get its weights, which do not come with the lab."
        )
        return _section(key, title, words.DETECTION, missing=missing)
    of = measured_on(facts)
    notes = ([f"Measured on {of}."] if of else []) + changed_since(facts.get("checkpoints", {}))
    return _section(key, title, words.DETECTION, tables=[shown], notes=notes, command=facts["command"])


def _plot_name(stem: str) -> str:
    """What a curve is of, by its file's name: a kind of blur, or `reading`."""
    return KINDS[stem].name if stem in KINDS else "QR codes that were read"


def after_panels(store: ResultStore, folder: Path | None = None) -> dict[str, Any]:
    """The value of the sections below the viewer.

    Args:
        store: where pictures are copied to, to be served.
        folder: of the stored files; assets/paper where none is given.
    """
    place, pictures = folder or stored.FOLDER, Pictures(store)
    gains = read_facts(place, "deblurring.json")
    measured = (gains or {}).get("blurs")
    kinds = [kind for kind in KINDS if kind in measured] if isinstance(measured, dict) else []  # others may lie there, too
    sections = [
        closeups(stored.read(place), pictures),
        losses(losses_stored.read(place), pictures),
        curves(
            "deblurring", "Gain against the strength of the blur", words.CURVES,
            "No curves are stored here yet: python benchmarks/deblurring.py FOLDER measures and draws them.",
            gains, find_plots(place / "curves", kinds), pictures,
        ),
        curves(
            "reading", "Does it help a machine?", words.READING,
            "Nothing has been read here yet: python benchmarks/reading.py measures and draws it.",
            read_facts(place, "reading.json"), find_plots(place, ["reading"]), pictures,
        ),
        detection(read_facts(place, "detection.json")),
    ]  # fmt: skip
    return {"sections": sections, "files": pictures.files}


def before_panels(blur: str, title: str, link: str, folder: Path | None = None) -> dict[str, Any]:
    """The value of the sections above the viewer; see `panels` and `after_panels`."""
    return {"sections": [idea(), table(stored.read(folder)), panels(blur, title, link)], "files": {}}
