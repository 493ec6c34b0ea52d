"""A report as files: JSON, CSV, LaTeX and Markdown."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.benchmark.columns import Column
from lab.benchmark.report import Report
from lab.metrics import CONVENTIONS, EVERY_METRIC
from lab.metrics.catalogue import border_rule

CONVENTION_TEXT = {
    "sr": "sr: luma of BT.601 in 16..235, 4 pixels cut from every side",
    "rgb": "rgb: red, green and blue of the whole picture",
}


def convention_lines(conventions: Sequence[str], measured: Sequence[Column]) -> list[str]:
    """What the conventions are, a line each, and then the columns that see other numbers, by the cards of their metrics.

    Args:
        conventions: of `sr` and `rgb`.
        measured: the columns of a table.
    """
    lines = [CONVENTION_TEXT[convention] for convention in conventions]
    for column in measured:
        metric, place = EVERY_METRIC[column.metric], CONVENTIONS.index(column.conventions[0])
        own, usual = ((one.channels[place], border_rule(one, 4)[place]) for one in (metric, EVERY_METRIC["psnr"]))
        if own != usual:
            lines.append(f"{metric.name}{', RGB' * (column.conventions == ('rgb',))}: {', '.join(own)}")
    return lines


def write(report: Report, folder: Path) -> list[Path]:
    """Write benchmark.json, .csv, .tex and .md into a folder; their paths.

    Raises:
        OSError: they cannot be written.
    """
    texts = {"json": to_json(report), "csv": to_csv(report), "tex": to_latex(report), "md": to_markdown(report)}
    paths = []
    for ending, text in texts.items():
        path = folder / f"benchmark.{ending}"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def to_json(report: Report) -> str:
    """See `Report.as_json`."""
    return json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n"


def to_csv(report: Report) -> str:
    """set, picture (`mean` for the means), method, and a column for each figure, which names metric, variant and convention."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    columns, models = report.job.columns, report.job.models
    heads = [f"{column.metric_with_variant(models)} ({column.convention})" for column in columns]
    table.writerow(["set", "picture", "method", *heads])
    for name, picture, method, values in report.rows():
        cells = ["" if values.get(column.key) is None else repr(values[column.key]) for column in columns]
        table.writerow([name, picture, method, *cells])
    return text.getvalue()


def to_markdown(report: Report) -> str:
    """The means of every set, then the figures of every picture."""
    columns, models = report.job.columns, report.job.models
    heads = [column.head(models) for column in columns]
    parts = [f"# Benchmark: {report.job.degradation_text}", "\n".join(_conventions(report, "- "))]
    for name, pictures in report.sets.items():
        means = report.means[name].items()
        rows = [[report.name(method), *(cell(column, values) for column in columns)] for method, values in means]
        parts += [f"## {name}, mean of {len(pictures)}", markdown_table(["method", *heads], rows)]
    for name, pictures in report.sets.items():
        rows = [
            [one.picture.name, method, *(cell(column, values) for column in columns)]
            for one in pictures
            for method, values in one.values.items()
        ]
        parts += [f"## {name}, every picture", markdown_table(["picture", "method", *heads], rows)]
    parts += without_figures(report)
    parts += [f"Skipped: {report.picture_name(one)}: {one.reason}" for one in report.skipped]
    return "\n\n".join(parts) + "\n"


def without_figures(report: Report) -> list[str]:
    """A line for each result that there is not, with the reason: a method that lacks one picture has no means."""
    return [
        f"Without figures: {report.name(method)} on {report.picture_name(one)}: {reason}"
        for one in report.scored
        for method, reason in one.failures.items()
    ]


def to_latex(report: Report) -> str:
    """A table (booktabs) of means for every set, the best value of each column bold, then one (longtable) of every picture."""
    columns, models = report.job.columns, report.job.models
    heads = [_escaped(column.head(models)) for column in columns]
    about = ". ".join(_conventions(report))
    parts = [r"% \usepackage{booktabs,longtable}"]
    for name, pictures in report.sets.items():
        best = {column.key: best_method(column, report.means[name]) for column in columns}
        rows = []
        for method, values in report.means[name].items():
            cells = [cell(column, values) for column in columns]
            cells = [rf"\textbf{{{text}}}" if best[c.key] == method else text for c, text in zip(columns, cells, strict=True)]
            rows.append([_escaped(report.name(method)), *cells])
        caption = f"{name}, mean of {len(pictures)}, {report.job.degradation_text}. {about}."
        parts.append(_latex_table(["Method", *heads], rows, "l" + "r" * len(columns), caption))
    for name, pictures in report.sets.items():
        rows = [
            [_escaped(one.picture.name), _escaped(method), *(cell(column, values) for column in columns)]
            for one in pictures
            for method, values in one.values.items()
        ]
        caption = f"{name}, every picture, {report.job.degradation_text}. {about}."
        parts.append(_latex_table(["Picture", "Method", *heads], rows, "ll" + "r" * len(columns), caption, long=True))
    return "\n\n".join(parts) + "\n"


def cell(column: Column, values: Mapping[str, float | None]) -> str:
    """A value with its metric's number of decimals; a dash where there is none."""
    value = values.get(column.key)
    return "-" if value is None else f"{value:.{EVERY_METRIC[column.metric].decimals}f}"


def best_method(column: Column, means: Mapping[str, Mapping[str, float | None]]) -> str | None:
    """Which method is best in a column; None where none has a value."""
    found = {method: values[column.key] for method, values in means.items() if values.get(column.key) is not None}
    found = {method: value for method, value in found.items() if math.isfinite(value)}
    if not found:
        return None
    badness = {"higher": lambda value: -value, "lower": lambda value: value, "nearest 1": lambda value: abs(value - 1)}
    return min(found, key=lambda method: badness[EVERY_METRIC[column.metric].better](found[method]))


def markdown_table(heads: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(text.replace("|", r"\|") for text in line) + " |" for line in lines)


def _conventions(report: Report, start: str = "") -> list[str]:
    return [start + line for line in convention_lines(report.job.conventions, report.job.columns)]


def _latex_table(heads: list[str], rows: list[list[str]], alignment: str, caption: str, long: bool = False) -> str:
    lines = [" & ".join(row) + r" \\" for row in rows]
    head, title = " & ".join(heads) + r" \\", rf"\caption{{{_escaped(caption)}}}"
    if long:
        opening = [rf"\begin{{longtable}}{{{alignment}}}", title + r" \\", r"\toprule", head, r"\midrule", r"\endhead"]
        return "\n".join([*opening, *lines, r"\bottomrule", r"\end{longtable}"])
    opening = [r"\begin{table}", title, rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", head, r"\midrule"]
    return "\n".join([*opening, *lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def _escaped(text: str) -> str:
    """Text in which LaTeX finds no commands."""
    replaced = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^&%$#_{}]", lambda found: replaced.get(found[0], "\\" + found[0]), text)
