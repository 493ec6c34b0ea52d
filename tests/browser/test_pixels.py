"""The bytes that a pane shows are the very pixels that were measured."""

import math

import numpy as np
import pytest

from browser.driving import cell, decoded, pane_bytes
from lab import compare, methods
from lab.degrade import parse
from lab.diagnostics import difference_picture
from lab.gradients import full_scale, gradient_picture
from lab.images import read_picture
from lab.metrics import METRICS, measure, models
from lab.ui.pictures import PICTURES


@pytest.mark.parametrize("blur", ["x4-bicubic", "gaussian:sigma=1.5"])
def test_every_pane_decodes_to_the_array_that_was_measured(open_page, checkpoints, monkeypatch, blur):
    page = open_page(f"?picture=chelsea&blur={blur}&methods=bicubic,ibp,srresnet,nonbn-resg-l")
    for room in (methods, models):
        monkeypatch.setattr(room, "CHECKPOINTS", checkpoints)
    prepared = compare.prepare(read_picture(PICTURES["chelsea"].path), parse(blur))
    np.testing.assert_array_equal(decoded(pane_bytes(page, "reference")), prepared.reference)
    np.testing.assert_array_equal(decoded(pane_bytes(page, "input")), prepared.shown)
    results = [e for e in compare.compare(prepared, ["bicubic", "ibp", "srresnet", "nonbn-resg-l"], device="cpu")
               if isinstance(e, compare.Finished)]  # fmt: skip
    assert len(results) == 4
    scale, chosen = full_scale(prepared.reference), models.current()
    for result in results:
        shown = decoded(pane_bytes(page, result.method))
        np.testing.assert_array_equal(shown, result.picture)
        np.testing.assert_array_equal(decoded(pane_bytes(page, result.method, "gradient")), gradient_picture(shown, scale))
        difference = difference_picture(shown, prepared.reference)
        np.testing.assert_array_equal(decoded(pane_bytes(page, result.method, "difference")), difference)
        for convention in ("sr", "rgb"):
            page.click(f"#figures [data-convention={convention}]")
            for key, metric in METRICS.items():
                figure = measure(key, shown, prepared.reference, convention, models=chosen)
                assert math.isfinite(figure.value)
                assert cell(page, result.method, key) == f"{figure.value:.{metric.decimals}f}"
