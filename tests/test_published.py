"""benchmarks/published.py: the lab's figures beside published ones."""

import importlib.util
import os
import subprocess
import sys

import pytest
import small_models as stand_ins
from conftest import ROOT, textured_picture

from lab.benchmark import Job, run
from lab.degrade import Degradation
from lab.images import write_png
from lab.methods import METHODS
from lab.metrics import EVERY_METRIC


@pytest.fixture(scope="module")
def published():
    spec = importlib.util.spec_from_file_location("published", ROOT / "benchmarks" / "published.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["published"] = module  # where its data classes look for their annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def set5(tmp_path):
    """A folder that bears a set's name, with one picture where the set has five."""
    write_png(textured_picture(204, 212), tmp_path / "Set5" / "a.png")
    return tmp_path / "Set5"


def cells(page, heading):
    """Rows of the first table below a heading, as {head of a column: cell}."""
    lines = page.split(f"### {heading}\n", 1)[1].strip().split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def test_one_command_writes_a_page_that_names_it_and_no_place_of_this_machine(set5, tmp_path):
    out = tmp_path / "page.md"
    words = [str(set5), "--methods", "bicubic,espcn", "--metrics", "psnr,ssim,gradient-ratio", "--device", "cpu"]
    command = [sys.executable, "benchmarks/published.py", *words, "--records", str(tmp_path / "kept"), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = out.read_text(encoding="utf-8")
    assert page.startswith("# ")
    assert "python benchmarks/published.py Set5 --methods bicubic,espcn --metrics psnr,ssim,gradient-ratio" in page[:300]
    assert str(tmp_path) not in page
    assert str(ROOT) not in page
    report = run([set5], Job(["bicubic", "espcn"], Degradation("x4-bicubic"), ["psnr", "ssim"]))
    faithful, rgb = cells(page, "Set5: How near to the original"), cells(page, "Set5: In red, green and blue")
    ours = {row["method"]: row for row in faithful if row["from"] == "this lab"}
    assert set(ours) == {"**Bicubic**", "**ESPCN**"}
    means = report.means["Set5"]["bicubic"]
    assert ours["**Bicubic**"]["PSNR"] == f"{means['psnr']:.2f}"
    assert [row["PSNR, RGB, whole"] for row in rgb if row["method"] == "**Bicubic**"] == [f"{means['psnr-rgb']:.2f}"]
    assert [row["method"].strip("*") for row in faithful[:3]] == ["Bicubic"] * 3, "rows of one method are together"
    assert "The set has 5 pictures" in page
    out.unlink()
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert out.read_text(encoding="utf-8") == page, again.stderr


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    command = [sys.executable, "benchmarks/published.py", str(tmp_path / "gone"), "--records", str(tmp_path / "kept")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("published.py: there is no folder")
    assert done.stderr.count("\n") == 1


def test_published_figures_stand_as_written_with_source_and_mark(published):
    rows = list(published.published(published.read(), "faithful", "Set5"))
    spsr = [row for row in rows if row.method == "SPSR"]
    assert [(row.source, row.figures) for row in spsr] == [("[2]", {"PSNR": "30.400", "SSIM of shrunk pictures": "0.8627"})]
    bicubic = {row.source: row for row in rows if row.key == "bicubic"}
    assert set(bicubic) == {"[2]", "[3] [recalled]"}
    opinions = [row for row in published.published(published.read(), "perceptual", "Set14") if "MOS" in row.figures]
    assert len(opinions) == 5
    assert all(row.source.endswith("[recalled]") for row in opinions)


def test_variants_of_a_metric_never_share_a_column(published, small_models, set5):
    job = Job(["bicubic"], Degradation("x4-bicubic"), ["lpips", "niqe", "ma", "pi"], ["sr"])
    own = list(published.measured(run([set5], job), "perceptual", "Set5"))
    others = list(published.published(published.read(), "perceptual", "Set5"))
    assert set(own[0].figures) == {"LPIPS-lab", "NIQE-lab", "Ma-lab", "PI-lab"}
    heads = published.table(own, others).splitlines()[0].strip("| ").split(" | ")
    assert heads == ["method", "from", "LPIPS-lab", "LPIPS", "NIQE-lab", "Ma-lab", "PI-lab", "PI", "MOS"]
    stand_ins.write_official("niqe")
    stand_ins.write_official("ma")
    job = Job(["bicubic"], Degradation("x4-bicubic"), ["pi"], ["sr"])
    own = list(published.measured(run([set5], job), "perceptual", "Set5"))
    assert set(own[0].figures) == {"PI"}, "official models make figures that compare"


def test_every_published_table_is_whole(published):
    data = published.read()
    names = {name.upper() for name in (metric.name for metric in EVERY_METRIC.values())} | {"MOS", "RMSE"}
    for one in data["tables"]:
        assert one["source"]
        assert one["convention"]
        assert one["view"] in (*published.VIEWS, "deblurring")
        assert all(published._metric(head).upper() in names and "-lab" not in head for head in one["columns"])
        recalled = one.get("recalled", [])
        assert recalled == "true" or set(recalled) <= set(one["rows"])
        for sets in one["rows"].values():
            for figures in sets.values():
                assert len(figures) == len(one["columns"])
                assert all(float(figure) > 0 for figure in figures)
    assert set(data["same_as"].values()) <= set(METHODS)
    rgb = {head for one in data["tables"] if one["view"] == "rgb" for head in one["columns"]}
    assert all("RGB" in head for head in rgb)
    assert not rgb & {head for one in data["tables"] if one["view"] != "rgb" for head in one["columns"]}
