"""`segment`: count the tesserae of photos, and write what was found."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tesserae.cli.arguments import Device, Threads, parse_cells, positive
from tesserae.cli.terminal import one_line, progress_line, refuse
from tesserae.errors import TesseraeError
from tesserae.settings import Settings

if TYPE_CHECKING:
    from tesserae.options import RunOptions


def segment(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="JPEG, PNG or TIFF files.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results, one folder per photo.")],
    checkpoint: Annotated[str, typer.Option(help="Name of the model; see `checkpoints list`.")] = "tesserae_mini",
    prompts: Annotated[
        Literal["finder", "grid"], typer.Option(help="One prompt per found tessera, or the paper's regular grid.")
    ] = "finder",
    cells: Annotated[str | None, typer.Option(metavar="RxC", help="With grid: cut the photo into overlapping cells first.")] = None,
    decode: Annotated[
        Literal["auto", "window", "full"], typer.Option(help="Decode masks near their prompt only, or on whole tiles.")
    ] = "auto",
    fast: Annotated[bool, typer.Option("--fast", help="Finder and watershed only, no refinement.")] = False,
    tessera_px: Annotated[float | None, typer.Option(callback=positive, help="Usual side of a tessera in pixels, if it is known.")] = None,
    mm_per_px: Annotated[
        float | None, typer.Option(callback=positive, help="Scale of the photos; without it no real units are given.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
) -> int:
    """Count the tesserae of photos; write label map, overlay, table and record of each to DIR/<photo name>/."""
    if cells is not None and prompts != "grid":
        raise typer.BadParameter("--cells belongs to --prompts grid; add that, or leave --cells out.")
    if fast and prompts == "grid":
        raise typer.BadParameter("--fast uses the finder alone and cannot go with --prompts grid; leave one out.")
    parsed_cells = parse_cells(cells)
    from tesserae.options import RunOptions, SegmentOptions

    wanted = SegmentOptions(prompts=prompts, cells=parsed_cells, decode=decode, fast=fast, tessera_px=tessera_px)
    return _segment_all(photos, out, RunOptions(checkpoint, wanted, device, threads), mm_per_px)


def _segment_all(photos: Sequence[Path], out: Path, options: "RunOptions", mm_per_px: float | None) -> int:
    """Run every photo, one line each on stdout, or on stderr where it fails; return the exit status."""
    from tesserae.results import make_folder

    settings = Settings()
    make_folder(out)
    status = 0
    for path, folder_name in _folder_names(photos):
        try:
            _segment_one(path, out, folder_name, options, settings, mm_per_px)
        except TesseraeError as error:
            status = refuse(f"{path}: {error}" if len(photos) > 1 else str(error))
    return status


def _segment_one(path: Path, out: Path, folder_name: str, options: "RunOptions", settings: Settings, mm_per_px: float | None) -> None:
    from tesserae.service import run_file, save_run

    with progress_line(path.name) as show:
        run = run_file(path, options, settings, progress=show)
    folder = save_run(out, run, mm_per_px=mm_per_px, folder_name=folder_name)
    for warning in run.segmentation.warnings:
        typer.echo(one_line(f"Warning, {path.name}: {warning}"), err=True)
    typer.echo(f"{path.name}: {run.segmentation.count} tesserae, {folder}")


def _folder_names(photos: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each photo once, with a folder name of its own: wall.jpg and wall.tif become wall and wall_2."""
    from tesserae.results import result_folder_name

    taken: frozenset[str] = frozenset()
    for path in dict.fromkeys(photos):
        name = result_folder_name(path.name, taken)
        taken |= {name.casefold()}
        yield path, name
