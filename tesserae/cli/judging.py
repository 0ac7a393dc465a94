"""`evaluate` and `compare`: a result beside the truth, and two models beside each other."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tesserae.cli.arguments import Device, Threads
from tesserae.cli.terminal import progress_line
from tesserae.settings import Settings


def evaluate(
    pred: Annotated[Path, typer.Argument(metavar="PRED", help="Label map to judge (TIFF).")],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="Label map, binary mask, or marked points (JSON).")],
    entry: Annotated[str | None, typer.Option(metavar="NAME", help="Entry of a file of marked points.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare a label map with the truth."""
    from tesserae.evaluation import evaluate as score
    from tesserae.evaluation import format_evaluation, read_truth
    from tesserae.labelmap import read_label_map

    result = score(read_label_map(pred), read_truth(truth, entry))
    typer.echo(json.dumps(result.as_dict(), indent=2, allow_nan=False) if as_json else format_evaluation(result))


def compare(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="JPEG, PNG or TIFF file.")],
    a: Annotated[str, typer.Option("--a", metavar="NAME", help="The first model; see `checkpoints list`.")],
    b: Annotated[str, typer.Option("--b", metavar="NAME", help="The second model.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for compare.json and compare.png.")],
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Label map, binary mask, or marked points (JSON), to judge both by.")
    ] = None,
    entry: Annotated[
        str | None, typer.Option(metavar="NAME", help="Entry of a file of marked points; that of the photo by default.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Run two models on one photo; write how they differ, and which is nearer to the truth, to DIR."""
    from tesserae.compare import compare_checkpoints, write_pair
    from tesserae.comparison import describe_comparison, describe_scores
    from tesserae.options import RunOptions
    from tesserae.results import make_folder
    from tesserae.truth import entry_of_photo, read_truth

    make_folder(out)
    read = None if truth is None else lambda: read_truth(truth, entry or entry_of_photo(truth, photo.name))
    options = RunOptions(device=device, threads=threads)
    with progress_line(photo.name) as show:
        pair = compare_checkpoints(photo, (a, b), options, Settings(), read_truth=read, progress=show)
    write_pair(out, pair)
    names = pair.a.segmentation.checkpoint, pair.b.segmentation.checkpoint
    said = describe_comparison(pair.comparison, *names) + (describe_scores(*pair.scores, *names) if pair.scores else ())
    for sentence in (*said, f"Written to {out}."):
        typer.echo(sentence)
