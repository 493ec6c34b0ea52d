"""python -m lab metrics fit-niqe | check-niqe | train-ma | check-ma | fit-lpips | check-lpips | check: the lab's own models."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Convention, Device
from lab.cli.printing import number, table
from lab.cli.program import UsageError, app, sentences
from lab.fitting.verdict import Verdict
from lab.metrics.models import CHECKPOINTS

metrics_app = typer.Typer(no_args_is_help=True, help="The lab's own models of NIQE, Ma and LPIPS: made and checked.")
app.add_typer(metrics_app, name="metrics")

SharpFolder = Annotated[Path, typer.Argument(help="Folder of sharp pictures.", show_default=False)]
BenchmarkFolder = Annotated[Path, typer.Argument(help="The folder with the folders Set14 and BSD100.", show_default=False)]
Parameters = Annotated[
    Path | None, typer.Option(help="NIQE's official parameters; the ones that weights fetch niqe brought, where not given.")
]


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, moved by (done, of how many)."""
    from tqdm import tqdm

    with tqdm(desc=what, unit="picture", leave=False) as bar:

        def progress(done: int, of: int) -> None:
            bar.total = of
            bar.n = done
            bar.refresh()

        yield progress


def _official_parameters(given: Path | None) -> Path:
    """The authors' file; any other would make figures of its own under the official name."""
    from lab.official import fault, found, place

    if given is not None and not given.is_file():
        raise UsageError(f"there is no file {given}: name one with NIQE's official parameters.")
    if given is not None and (wrong := fault("niqe", given)):
        raise UsageError(f"{given.name} is not NIQE's official parameters ({wrong}): run python -m lab weights fetch niqe.")
    path = given or found("niqe")
    if path is None:
        fetch = "run python -m lab weights fetch niqe, or give --niqe-parameters FILE"
        raise UsageError(f"this needs NIQE's official parameters, which are not at {place('niqe')}: {fetch}.")
    return path


def _print_card(card: dict, out: Path) -> None:
    for key, value in card.items():
        typer.echo(f"{key:16} {value}")
    typer.echo(f"wrote {out}")


def _hold(verdicts: Iterable[Verdict]) -> bool:
    """Print what should hold, and whether all of it does."""
    verdicts = list(verdicts)
    for verdict in verdicts:
        typer.echo(f"{'holds ' if verdict.holds else 'FAILS '} {verdict.text}")
    return all(verdict.holds for verdict in verdicts)


@metrics_app.command("fit-niqe")
@sentences
def fit_niqe_command(
    folder: SharpFolder,
    out: Annotated[Path, typer.Option(help="File to write.")] = CHECKPOINTS / "niqe.safetensors",
    least_sharpness: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least share of the sharpest block's contrast that blocks must have.")
    ] = None,
) -> None:
    """Fit NIQE-lab to undistorted pictures."""
    from lab.fitting.niqe import LEAST_SHARPNESS, fit_niqe

    with _bar("pictures") as progress:
        card = fit_niqe(folder, out, LEAST_SHARPNESS if least_sharpness is None else least_sharpness, progress)
    _print_card(card, out)


@metrics_app.command("check-niqe")
@sentences
def check_niqe_command(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of sharp pictures.", show_default=False)],
    niqe_parameters: Parameters = None,
    count: Annotated[int, typer.Option(min=1, help="How many pictures are graded.")] = 20,
    convention: Convention = Convention.sr,
) -> None:
    """Whether NIQE-lab ranks a graded set (blur, noise, JPEG, x4) as official NIQE does: Spearman's correlation."""
    if not _check_niqe(folders, _official_parameters(niqe_parameters), count, convention):
        raise typer.Exit(1)


def _check_niqe(folders: list[Path], parameters: Path, count: int = 20, convention: Convention = Convention.sr) -> bool:
    from lab.fitting.niqe_check import agreement, graded, verdict
    from lab.metrics.models import current, niqe_model, own
    from lab.metrics.niqe import read_official

    official, lab = read_official(parameters), niqe_model(own(current(), "niqe").niqe)
    with _bar("pictures") as progress:
        found = agreement(list(graded(folders, official, lab, count, convention.value, progress)))
    rows = [["distortion", "level", "NIQE", "NIQE-lab"]]
    for (distortion, level), (first, second) in found.means.items():
        rows.append([distortion, f"{level:g}", number("niqe", first), number("niqe", second)])
    typer.echo(table(rows))
    within = ", ".join(f"{distortion} {value:.3f}" for distortion, value in found.within.items())
    typer.echo(f"\nSpearman over {found.values} pictures ({found.left_out} too flat): {found.spearman:.3f}  (within: {within})\n")
    return _hold([verdict(found)])


@metrics_app.command("train-ma")
@sentences
def train_ma_command(
    folder: SharpFolder,
    benchmark: Annotated[Path, typer.Option(help="The folder with Set5, Set14 and BSD100, which set the scale.")],
    niqe_parameters: Parameters = None,
    out: Annotated[Path, typer.Option(help="File to write.")] = CHECKPOINTS / "ma.safetensors",
    work: Annotated[Path, typer.Option(help="Folder for what was measured; the same command goes on from it.")] = Path("runs/ma"),
    pictures: Annotated[
        int | None, typer.Option(min=2, help="How many pictures are used at most; 120 where not given.", show_default=False)
    ] = None,
    trees: Annotated[
        int | None, typer.Option(min=1, help="In each of the three forests; 150 where not given.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Device = Device.auto,
) -> None:
    """Grow Ma-lab's forests on versions of sharp pictures, scored by a consensus of full-reference metrics."""
    from lab.fitting.ma import PICTURES, TREES, train_ma

    parameters = _official_parameters(niqe_parameters)
    with _bar("") as progress:

        def told(what: str, done: int, of: int) -> None:
            progress(done, of)

        count, trees = pictures or PICTURES, trees or TREES
        card = train_ma(folder, out, benchmark, parameters, work, count, trees, seed, device.value, told)
    _print_card(card, out)


@metrics_app.command("check-ma")
@sentences
def check_ma_command(benchmark: BenchmarkFolder, device: Device = Device.auto) -> None:
    """Whether PI-lab orders bicubic, SRResNet and the GANs as published, and where bicubic's value lies."""
    if not _check_ma(benchmark, device):
        raise typer.Exit(1)


def _check_ma(benchmark: Path, device: Device) -> bool:
    from lab.fitting.ma_check import measured, verdicts

    with _bar("pictures") as progress:
        found = measured(benchmark, device=device.value, progress=progress)
    names = {"niqe": "NIQE-lab", "ma": "Ma-lab", "pi": "PI-lab"}
    rows = [["set", "method", *names.values()]]
    for name, methods in found.items():
        rows += [[name, method, *(number(key, values[key]) for key in names)] for method, values in methods.items()]
    typer.echo(table(rows) + "\n")
    return _hold(verdicts(found))


@metrics_app.command("fit-lpips")
@sentences
def fit_lpips_command(
    folder: SharpFolder,
    features: Annotated[Path, typer.Option(help="The lab's feature network.")] = CHECKPOINTS / "features.safetensors",
    out: Annotated[Path, typer.Option(help="File to write.")] = CHECKPOINTS / "lpips.safetensors",
    pictures: Annotated[
        int | None, typer.Option(min=1, help="How many pictures are used at most; 120 where not given.", show_default=False)
    ] = None,
) -> None:
    """Fit LPIPS-lab's layer weights, so that known orderings of distortions hold."""
    from lab.fitting.lpips import PICTURES, fit_lpips

    with _bar("pictures") as progress:
        card = fit_lpips(folder, out, features, pictures or PICTURES, progress)
    _print_card(card, out)


@metrics_app.command("check-lpips")
@sentences
def check_lpips_command(
    folder: SharpFolder,
    pictures: Annotated[int, typer.Option(min=1, help="How many pictures are distorted by levels; results take all.")] = 40,
) -> None:
    """Whether LPIPS-lab orders pairs of known severity right, and tells GAN results from smooth ones, beside PSNR and SSIM."""
    if not _check_lpips(folder, pictures):
        raise typer.Exit(1)


def _check_lpips(folder: Path, pictures: int) -> bool:
    from lab.fitting.lpips_check import check_lpips, report, verdicts
    from lab.metrics.models import current, lpips_model, own

    with _bar("pictures") as progress:
        found = check_lpips(folder, lpips_model(own(current(), "lpips").lpips), pictures=pictures, progress=progress)
    typer.echo(report(found) + "\n")
    return _hold(verdicts(found))


@metrics_app.command("check")
@sentences
def check_command(benchmark: BenchmarkFolder, niqe_parameters: Parameters = None, device: Device = Device.auto) -> None:
    """All checks of the lab's own models: NIQE and PI on Set14 and BSD100, LPIPS on BSD100."""
    from lab.official import found

    if parameters := niqe_parameters or found("niqe"):
        all_hold = _check_niqe([benchmark / "Set14", benchmark / "BSD100"], _official_parameters(parameters))
    else:  # a machine that never was online can still make the other checks
        typer.echo("FAILS  NIQE-lab beside official NIQE: its parameters are not here (python -m lab weights fetch niqe)")
        all_hold = False
    typer.echo("")
    all_hold &= _check_lpips(benchmark / "BSD100", 40)
    typer.echo("")
    all_hold &= _check_ma(benchmark, device)
    if not all_hold:
        raise typer.Exit(1)
