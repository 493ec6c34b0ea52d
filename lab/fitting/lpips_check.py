"""Does a perceptual metric earn its place? Three questions, which PSNR and SSIM are asked as well.

Severity: of two levels of one distortion of one picture, is the stronger one farther from the original?

Twins: of two changes with the same pixel error (see `orderings.py`), is the plainly visible one farther?

Critics: a network trained with a critic (GAN) and one trained for the smallest pixel error restore the same picture; is the
critic's result the closer one? People say so (opinion scores of SRGAN and SRResNet on Set14: 3.72 and 2.98 of 5; Ledig et al.
2017, table 2); PSNR and SSIM say the opposite of networks trained to the end, since invented texture is not where the original's
is. Where PSNR prefers a critic's results, its training has not come far enough to ask this question; `report` says so. And where
a network learned by a loss on the very features that LPIPS-lab looks at (its card tells), the duel favours LPIPS-lab: the twins
called "detail" ask the same question of no network at all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.compare import SCALE, Finished, compare, prepare
from lab.degrade import Degradation
from lab.fitting.lpips import FittingError, pictures_below
from lab.fitting.orderings import RANGES, TWINS, ladder, twins
from lab.fitting.verdict import Verdict
from lab.images import read_named, to_picture, to_tensor
from lab.metrics import measure
from lab.metrics.lpips import Lpips

DUELS = (("srgan", "srresnet"), ("esrgan", "esrgan-psnr"), ("spsr", "esrgan-psnr"))
"""(trained with a critic, trained for the smallest pixel error)."""
STEPS_OF_LADDER = 6  # other levels than those of the fit
PICTURES = 40
"""How many pictures the ladders and twins are made of; the duels use all."""
SEED = 1000
LEAST_SEVERITY = 0.95
"""The share of pairs of known severity that must be ordered right."""


@dataclass(frozen=True)
class LpipsCheck:
    """How often each metric was right."""

    variant: str
    severity: dict[str, dict[str, float]]
    """Distortion, or "all" -> metric (lpips, psnr, ssim) -> share of pairs ordered right."""
    pairs: int
    """Pairs of known severity altogether."""
    twins: dict[str, dict[str, float]]
    """Kind of twins, or "all" -> metric -> share of pairs ordered right."""
    critics: dict[str, dict[str, float]]
    """"srgan, srresnet" and so on, or "all" -> metric -> share of pictures whose critic's result is the closer one."""
    means: dict[str, dict[str, float]]
    """Method -> metric -> mean over the pictures."""
    duels: int
    """Duels altogether."""
    pictures: int


def _figures(metric: Lpips, result: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """How far a result is from the reference in every metric's eyes: more is worse."""
    psnr, ssim = (measure(key, result, reference).value for key in ("psnr", "ssim"))
    return {"lpips": metric.distance(result, reference), "psnr": -psnr, "ssim": -ssim}


def check_lpips(
    folder: Path,
    metric: Lpips,
    duels: Sequence[tuple[str, str]] = DUELS,
    pictures: int = PICTURES,
    weights: Mapping[str, Path] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LpipsCheck:
    """Ask all questions on a folder of sharp pictures that the fit has not seen.

    Args:
        folder: of sharp pictures; cropped to multiples of 4.
        metric: LPIPS in either variant.
        duels: (method with a critic, method without) of the catalogue, run on the pictures shrunk to a quarter.
        pictures: how many the ladders and twins are made of, evenly chosen; the duels take all.
        weights: weights files to use in place of the shipped ones, by method.
        progress: told how many pictures are done, of how many.

    Raises:
        FittingError: no pictures, or a method that cannot be run.
        PictureError: a file that cannot be read, named.
    """
    paths = pictures_below(folder, 10**6)
    of_ladders = set(pictures_below(folder, pictures))
    right: dict[str, list[dict[str, bool]]] = {distortion: [] for distortion in RANGES}
    milder: dict[str, list[dict[str, bool]]] = {kind: [] for kind in TWINS}
    closer: dict[str, list[dict[str, bool]]] = {", ".join(duel): [] for duel in duels}
    methods = list(dict.fromkeys(method for duel in duels for method in reversed(duel)))
    values: dict[str, list[dict[str, float]]] = {method: [] for method in methods}
    for done, path in enumerate(paths):
        if progress is not None:
            progress(done, len(paths))
        picture = read_named(path)
        sharp = picture[: picture.shape[0] // SCALE * SCALE, : picture.shape[1] // SCALE * SCALE]
        if path in of_ladders:
            x, seed = to_tensor(sharp), SEED + done
            for distortion in RANGES:
                found = [_figures(metric, to_picture(step), sharp) for step in ladder(x, distortion, STEPS_OF_LADDER, seed)]
                right[distortion] += [_below(found[i], found[j]) for j in range(len(found)) for i in range(j)]
            for kind in TWINS:
                mild, plain = (_figures(metric, to_picture(one), sharp) for one in twins(x, kind, seed))
                milder[kind].append(_below(mild, plain))
        results = {}
        for event in compare(prepare(sharp, Degradation("x4-bicubic")), methods, metrics=(), weights=weights):
            if isinstance(event, Finished):
                results[event.method] = _figures(metric, event.picture, sharp)
                values[event.method].append(results[event.method])
            elif hasattr(event, "reason"):
                raise FittingError(f"{path.name}, {event.method}: {event.reason}")
        for critic, plain in duels:
            closer[f"{critic}, {plain}"].append(_below(results[critic], results[plain]))
    if progress is not None:
        progress(len(paths), len(paths))
    means = {method: _means(found) for method, found in values.items()}
    for found in means.values():
        found["psnr"], found["ssim"] = -found["psnr"], -found["ssim"]
    return LpipsCheck(
        variant=metric.variant,
        severity=_shares(right),
        pairs=sum(map(len, right.values())),
        twins=_shares(milder),
        critics=_shares(closer),
        means=means,
        duels=sum(map(len, closer.values())),
        pictures=len(paths),
    )


def _below(mild: dict[str, float], plain: dict[str, float]) -> dict[str, bool]:
    return {key: mild[key] < plain[key] for key in mild}


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def _shares(answers: dict[str, list[dict[str, bool]]]) -> dict[str, dict[str, float]]:
    """Group -> metric -> share of right answers; "all" last, every answer counting alike. Empty groups are left out."""
    everything = [row for rows in answers.values() for row in rows]
    return {name: _means(rows) for name, rows in {**answers, "all": everything}.items() if rows}


def _shaped(check: LpipsCheck, duel: str) -> bool:
    """Whether a duel's network shows its critic's work: then PSNR prefers the one trained for the pixel error."""
    critic, _, plain = duel.partition(", ")
    return check.means[critic]["psnr"] < check.means[plain]["psnr"]


def verdicts(check: LpipsCheck) -> Iterator[Verdict]:
    """What should hold: severity is ordered right nearly always, critics' results are told from smooth ones better than by PSNR.

    Only duels count whose network shows its critic's work; where there are none, the second does not hold.
    """
    name = _name(check)
    right = check.severity.get("all", {}).get("lpips", 0.0)
    text = f"{name} orders at least {LEAST_SEVERITY:.0%} of pairs of known severity right: {right:.1%}"
    yield Verdict(text, right >= LEAST_SEVERITY)
    counting = [found for duel, found in check.critics.items() if duel != "all" and _shaped(check, duel)]
    text = f"{name} tells critics' results from smooth ones better than PSNR and SSIM"
    if not counting:
        yield Verdict(f"{text}: no network here shows a critic's work", False)
        return
    share = {key: float(np.mean([found[key] for found in counting])) for key in ("lpips", "psnr", "ssim")}
    told = f"{share['lpips']:.1%}, {share['psnr']:.1%} and {share['ssim']:.1%} of {len(counting)} kinds of duels"
    yield Verdict(f"{text}: {told}", share["lpips"] > max(share["psnr"], share["ssim"]))


def _name(check: LpipsCheck) -> str:
    return "LPIPS" if check.variant == "official" else "LPIPS-lab"


def report(check: LpipsCheck) -> str:
    """The check as text: two tables of percentages and one of means."""
    columns = {"lpips": _name(check), "psnr": "PSNR", "ssim": "SSIM"}
    shares = {
        f"Pairs of known severity ordered right ({check.pairs} pairs)": check.severity,
        "Twins of about the same pixel error ordered right": check.twins,
        f"Critic's result judged closer than the smooth one ({check.duels} duels, {check.pictures} pictures)": check.critics,
    }
    lines = []
    for title, groups in shares.items():
        lines += [title, f"{'':20}" + "".join(f"{column:>11}" for column in columns.values())]
        lines += [f"{group:20}" + "".join(f"{found[key]:>11.1%}" for key in columns) for group, found in groups.items()]
        lines.append("")
    for duel in check.critics:
        if duel != "all" and not _shaped(check, duel):
            critic = duel.partition(", ")[0]
            lines.append(f"{critic} has the higher PSNR: its critic has not shaped it yet, and its duels say nothing of critics.")
    lines.append("Means")
    lines += [f"{group:20}" + "".join(f"{found[key]:>11.4f}" for key in columns) for group, found in check.means.items()]
    return "\n".join(lines)
