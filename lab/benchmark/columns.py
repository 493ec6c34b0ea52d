"""What is measured: a column for each metric and convention."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.metrics import CONVENTIONS, EVERY_METRIC, screen_name
from lab.metrics.models import LAB, Models


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    key: str
    """Its name in files: "psnr"; "psnr-rgb" where `rgb` is not the first convention that was asked for."""
    metric: str
    conventions: tuple[str, ...]
    """The conventions its figures are in; both for a metric that sees the same in both."""

    @property
    def convention(self) -> str:
        """As a word: "sr", "rgb" or "sr and rgb"."""
        return " and ".join(self.conventions)

    def head(self, models: Models) -> str:
        """As on screen: "PSNR", "NIQE-lab", "SSIM, RGB"."""
        return screen_name(self.metric, models) + (", RGB" if self.conventions == ("rgb",) else "")

    def metric_with_variant(self, models: Models) -> str:
        """The metric's key, which says where the model is the lab's own: "niqe-lab"."""
        return self.metric + ("-lab" if models.variant(self.metric) == LAB else "")

    def key_with_variant(self, models: Models) -> str:
        """The column's key, with the same: "niqe-lab-rgb"."""
        return self.metric_with_variant(models) + self.key.removeprefix(self.metric)


def columns(metrics: Sequence[str], conventions: Sequence[str], second: Sequence[str] | None = None) -> list[Column]:
    """The columns of metrics in conventions: those of the first convention bear the plain names of the metrics.

    Args:
        metrics: keys of lab.metrics.EVERY_METRIC.
        conventions: one of `sr` and `rgb`, or both.
        second: the metrics that have a column in the second convention too; all where None.
    """
    result = []
    for metric in metrics:
        alike = not EVERY_METRIC[metric].cuts_border
        result.append(Column(metric, metric, CONVENTIONS if alike else (conventions[0],)))
    for metric in metrics if second is None else second:
        for convention in conventions[1:] if EVERY_METRIC[metric].cuts_border else ():
            result.append(Column(f"{metric}-{convention}", metric, (convention,)))
    return result
