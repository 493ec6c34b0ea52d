"""The lab's figures beside published ones, for x4 super-resolution: writes benchmarks/README.md.

    python benchmarks/published.py Set5 Set14 BSD100                   (the folders of these sets' sharp pictures)
    accelerate launch benchmarks/published.py Set5 Set14 BSD100        (shared out among GPUs)

What was measured is kept in runs/published: the same command goes on where it was ended, and measures only what is new, such as
a checkpoint that was replaced. Published figures are in published.yaml, each table with its source and its convention. Columns
that were measured differently have different names, so that no column mixes conventions or variants of a metric.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.pages import checkpoint_table, command_text, made_by, sentences, tell
from lab.benchmark import Job, Report, run
from lab.benchmark.files import cell, convention_lines, markdown_table, without_figures
from lab.cli.options import chosen_methods, chosen_metrics
from lab.degrade import parse

HERE = Path(__file__).parent
METRICS = "psnr,ssim,lpips,niqe,ma,pi,gradient-ratio,gradient-error"
IN_RGB = ("psnr", "ssim")
"""What is measured in red, green and blue, too."""
VIEWS = {
    "faithful": "How near to the original",
    "perceptual": "How it looks",
    "rgb": "In red, green and blue",
}
"""The tables of a set: their names in published.yaml, and their headings."""
FAITHFUL = ("psnr", "ssim")
LAB = "this lab"
OWN_SETS = "Set5, Set14, BSD100"


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    method: str
    key: str
    """The lab's key for the method, which brings the same method's rows together; the name where the lab has none."""
    source: str
    figures: dict[str, str]
    """Head of a column -> figure, as text."""


def read() -> dict:
    """What published.yaml holds, every figure as the text that is written there: its digits are the source's."""
    return yaml.load((HERE / "published.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)


def published(data: dict, view: str, name: str) -> Iterator[Row]:
    """The published rows of one view for one set."""
    for number, table in enumerate(data["tables"], 1):
        recalled = table.get("recalled", [])
        for method, sets in table["rows"].items() if table["view"] == view else ():
            if name in sets:
                figures = dict(zip(table["columns"], sets[name], strict=True))
                mark = " [recalled]" if recalled == "true" or method in recalled else ""
                yield Row(method, data["same_as"].get(method, method), f"[{number}]{mark}", figures)


def measured(report: Report, view: str, name: str) -> Iterator[Row]:
    """The lab's rows of one view for one set."""
    heads = {column: column.head(report.job.models) for column in report.job.columns if _view(column) == view}
    for method, values in report.means[name].items():
        figures = {head + (", whole" if view == "rgb" else ""): cell(column, values) for column, head in heads.items()}
        if any(figure != "-" for figure in figures.values()):
            yield Row(f"**{report.name(method)}**", method, LAB, figures)


def _view(column) -> str:
    if column.conventions == ("rgb",):
        return "rgb"
    return "faithful" if column.metric in FAITHFUL else "perceptual"


def table(own: Sequence[Row], others: Sequence[Row]) -> str:
    """Rows in Markdown, those of one method together: the lab's methods in its order, then the methods it has not."""
    keys = dict.fromkeys(row.key for row in (*own, *others))
    rows = [row for key in keys for row in (*own, *others) if row.key == key]
    heads = dict.fromkeys(head for row in rows for head, figure in row.figures.items() if figure != "-")
    metrics = list(dict.fromkeys(_metric(head) for head in heads))
    heads = sorted(heads, key=lambda head: metrics.index(_metric(head)))  # variants of one metric beside each other
    body = [[row.method, row.source, *(row.figures.get(head, "-") for head in heads)] for row in rows]
    return markdown_table(["method", "from", *heads], body)


def _metric(head: str) -> str:
    """The metric that the head of a column names, without its variant: "SSIM" of "SSIM, RGB, whole"."""
    return re.split(r"-lab|,| of ", head)[0]


def page(report: Report, data: dict, command: str) -> str:
    """The whole page, in Markdown."""
    parts = [
        "# The lab's figures beside published ones",
        made_by(command),
        f"Pictures are cropped to multiples of 4, shrunk to a quarter with bicubic interpolation ({report.job.degradation}), and "
        "enlarged by each method. Methods that keep the size get the bicubic enlargement.",
        "\n".join(f"- {line}" for line in convention_lines(report.job.conventions, report.job.columns)),
        "Bold rows are measured here, in `sr` where the column does not say RGB; they are means over all pictures of the set. "
        "Others are published: the number names the source below, and [recalled] marks what was found in no source and is "
        "from memory. What was measured differently is in columns of different names, and does not compare: names that end in "
        "-lab are metrics on models of the lab's own. A gradient ratio of 1 is the original's sharpness, less is smoother.",
        "\n".join(f"- No mean of {key}, at least for one set: {reason}" for key, reason in report.reasons.items()),
        "\n".join(f"- {line}" for line in without_figures(report)),
    ]
    for name, pictures in report.sets.items():
        whole = int(data["pictures"].get(name, len(pictures)))
        parts.append(f"## {name}, {len(pictures)} picture{'s' * (len(pictures) != 1)}")
        if len(pictures) != whole:
            parts.append(
                f"The set has {whole} pictures: these means are over another number, and compare with nothing published."
            )
        for view, heading in VIEWS.items():
            own, others = list(measured(report, view, name)), list(published(data, view, name))
            if own or others:
                parts += [f"### {name}: {heading}", table(own, others)]
    parts += [
        "## What was measured", checkpoint_table(report.as_json()["methods"]), "## Deblurring", _deblurring(data),
        "## Sources", _sources(data), _others(report, data),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _deblurring(data: dict) -> str:
    sets = {name: None for one in data["tables"] if one["view"] == "deblurring" for row in one["rows"].values() for name in row}
    tables = [f"{name}:\n\n{table([], list(published(data, 'deblurring', name)))}" for name in sets]
    about = "Published alone: the lab measures its deblurring networks on blurs of its own, on which nothing is published."
    return "\n\n".join([about, *tables])


def _sources(data: dict) -> str:
    lines = []
    for number, one in enumerate(data["tables"], 1):
        name = f"[{one['source']}]({one['link']})" if "link" in one else one["source"]
        lines.append(f"{number}. {name}: {one['convention']}.")
    return "\n".join(lines)


def _others(report: Report, data: dict) -> str:
    """Which sets have published figures that are not on the page."""
    tables = [one for one in data["tables"] if one["view"] in VIEWS]
    rest = {name: None for one in tables for row in one["rows"].values() for name in row if name not in report.sets}
    return f"published.yaml also holds figures for {', '.join(rest)}." if rest else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help=f"sharp pictures of a set, such as {OWN_SETS}")
    parser.add_argument("--methods", default="all", help="comma-separated keys")
    parser.add_argument("--metrics", default=METRICS, help="comma-separated keys")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--records", type=Path, default=HERE.parent / "runs" / "published", help="what was measured is kept here")
    parser.add_argument("--out", type=Path, default=HERE / "README.md", help="the page; the lab's own where none is given")
    choice = parser.parse_args()
    with sentences("published.py"):
        metrics = chosen_metrics(choice.metrics)
        second = [key for key in metrics if key in IN_RGB]
        job = Job(chosen_methods(choice.methods), parse("x4-bicubic"), metrics, ("sr", "rgb"), second, device=choice.device)
        report = run(choice.folders, job, choice.records, tell)
        if report is None:  # one of several processes, and not the first
            return
        choice.out.write_text(page(report, read(), command_text("published.py", sys.argv[1:])), encoding="utf-8")
    print(f"wrote {choice.out}")


if __name__ == "__main__":
    main()
