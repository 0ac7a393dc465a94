"""The command line, `python -m tesserae`: reads arguments, calls the library, prints; decides nothing about mosaics.

Exit status 0, or 2 with one line on stderr for everything that the user can put right: wrong usage, a photo that cannot
be read, a missing checkpoint, a full disk. Where several photos are given, one that fails does not stop the others: it
gets its line, and the status is 2 at the end. Results go to stdout; progress goes to stderr, and only to a terminal.
Everything heavy is imported inside the commands, so that --help is fast.
"""

import json
import logging
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tesserae.cli_dataset import dataset_app
from tesserae.errors import OutputError, TesseraeError
from tesserae.pretraining.recipe import Recipe
from tesserae.settings import Settings

if TYPE_CHECKING:
    from tesserae.options import RunOptions

REFUSED, INTERRUPTED = 2, 130

app = typer.Typer(
    help="Find, count and measure the stones of a mosaic in a photograph.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
checkpoints_app = typer.Typer(help="The models: which there are, and how to get and check them.")
app.add_typer(checkpoints_app, name="checkpoints")
app.add_typer(dataset_app, name="dataset")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (sys.argv by default) and return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")  # the library's warnings, one line each, to stderr
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)  # those of other libraries tell the user nothing
    try:
        status = app(given or ["--help"], prog_name="python -m tesserae", standalone_mode=False)
    except typer.TyperException as error:
        return _refuse(f"{error.format_message()} Add --help to see what can be given.")
    except TesseraeError as error:
        return _refuse(str(error))
    except MemoryError:
        return _refuse("The memory of this machine is too small for that photo. Give a smaller photo, or a part of it.")
    if status == INTERRUPTED:  # what typer makes of Ctrl-C
        _refuse("Interrupted; what was finished is kept.")
    return status if isinstance(status, int) else 0


# --- What options may be ----------------------------------------------------------------------------------------------


def _parse_cells(text: str | None) -> tuple[int, int] | None:
    """Rows and columns of a text such as 2x3."""
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d?)[xX×]([1-9]\d?)", text.strip())
    if match is None:
        raise typer.BadParameter(f"expected rows x columns such as 2x2, each 1 to 99, found '{text}'.")
    return int(match.group(1)), int(match.group(2))


def _positive(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"expected a number above 0, found {value}.")
    return value


# --- Commands ---------------------------------------------------------------------------------------------------------


@app.command()
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
    tessera_px: Annotated[float | None, typer.Option(callback=_positive, help="Usual side of a tessera in pixels, if it is known.")] = None,
    mm_per_px: Annotated[
        float | None, typer.Option(callback=_positive, help="Scale of the photos; without it no real units are given.")
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads to use at most.")] = None,
) -> int:
    """Count the tesserae of photos; write label map, overlay, table and record of each to DIR/<photo name>/."""
    if cells is not None and prompts != "grid":
        raise typer.BadParameter("--cells belongs to --prompts grid; add that, or leave --cells out.")
    if fast and prompts == "grid":
        raise typer.BadParameter("--fast uses the finder alone and cannot go with --prompts grid; leave one out.")
    parsed_cells = _parse_cells(cells)
    from tesserae.options import RunOptions, SegmentOptions

    wanted = SegmentOptions(prompts=prompts, cells=parsed_cells, decode=decode, fast=fast, tessera_px=tessera_px)
    return _segment_all(photos, out, RunOptions(checkpoint, wanted, device, threads), mm_per_px)


@app.command()
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


@app.command()
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
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads to use at most.")] = None,
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
    with _progress_line(photo.name) as show:
        pair = compare_checkpoints(photo, (a, b), options, Settings(), read_truth=read, progress=show)
    write_pair(out, pair)
    names = pair.a.segmentation.checkpoint, pair.b.segmentation.checkpoint
    said = describe_comparison(pair.comparison, *names) + (describe_scores(*pair.scores, *names) if pair.scores else ())
    for sentence in (*said, f"Written to {out}."):
        typer.echo(sentence)


@app.command()
def convert(
    annotation: Annotated[Path, typer.Argument(metavar="FROM", help="Label map or binary mask (TIFF, PNG), or COCO instances (JSON).")],
    photo: Annotated[Path, typer.Option("--photo", metavar="FILE", help="The photo that it annotates.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Label map (.tif), COCO (.json) or binary mask (.png) to write.")],
) -> None:
    """Turn an annotation of a photo into another format; say what had to be repaired or left out."""
    if out.resolve() in (annotation.resolve(), photo.resolve()):
        raise typer.BadParameter(f"--out {out} would be written over what is read; give another file.")
    from tesserae.exporting import write_annotation
    from tesserae.importing import read_annotation
    from tesserae.photo import read_photo

    shape = read_photo(photo, max_pixels=Settings().max_pixels).shape
    read = read_annotation(annotation, shape, photo.name)
    notes = write_annotation(out, read.labels, photo.name)
    typer.echo(f"{annotation.name}: {read.count} tesserae, {out}")
    for note in (*read.notes, *notes):
        typer.echo(note)


@app.command()
def correct(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="Label map to correct (TIFF).")],
    log: Annotated[Path, typer.Option("--log", metavar="FILE", help="Corrections, a JSON object per line; see docs/corrections.md.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The corrected label map (TIFF); a bad line leaves it as it is.")],
) -> None:
    """Make the corrections of a log over a label map."""
    from tesserae.corrections.log import describe_replay, replay_log
    from tesserae.labelmap import read_label_map, write_label_map

    found = read_label_map(labels)
    corrected = replay_log(found, log)
    write_label_map(out, corrected.labels)
    typer.echo(describe_replay(found, corrected))


@app.command()
def synthesize(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the mosaics.")],
    count: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first; the next takes the next number.")] = 0,
    size: Annotated[int, typer.Option(min=64, max=16384, help="Side of the square photo in pixels.")] = 1024,
) -> None:
    """Render synthetic mosaics with their exact label maps."""
    from tesserae.results import make_folder
    from tesserae.synthetic import write_mosaics

    make_folder(out)
    try:
        for path in write_mosaics(out, count, seed, size):
            typer.echo(path)
    except OSError as error:
        raise OutputError(f"A mosaic could not be written to {out} ({error}). Make room, then start again.") from error


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Put right what is out of place in the collection; nothing is lost.")] = False,
) -> None:
    """Say what this machine has and what is missing, and whether the collection's files and records agree."""
    from tesserae.doctor import examine_collection, examine_machine, repair_collection

    settings = Settings()
    collection = repair_collection(settings) if repair else examine_collection(settings)
    findings = [*examine_machine(settings), *collection]
    for finding in findings:
        typer.echo(f"{'!' if finding.missing else ' '} {finding.topic + ':':<16}{finding.text}")
    missing = sum(finding.missing for finding in findings)
    typer.echo("Everything that is needed is there." if not missing else f"{missing} to look at, marked with !.")


@app.command()
def worker() -> None:
    """Do the jobs that the pages queue, one after the other, until Ctrl-C; several machines may share the work."""
    from tesserae.jobs.worker import serve

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", force=True)
    logging.getLogger("tesserae").setLevel(logging.INFO)
    serve(Settings())


@app.command()
def pretrain(
    work_dir: Annotated[Path, typer.Option("--work", metavar="DIR", help="Folder of the run's data and state; a run resumes from it.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Weights file to write; default: in DIR.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the weights and of every batch.")] = Recipe.seed,
    pool: Annotated[int, typer.Option(min=1, help="Number of synthetic mosaics to learn from.")] = Recipe.pool_size,
    finder_steps: Annotated[int, typer.Option(min=0, help="Steps of encoder and finder; 0 leaves them out.")] = Recipe.finder_steps,
    joint_steps: Annotated[int, typer.Option(min=0, help="Steps of all parts together.")] = Recipe.joint_steps,
    decoder_steps: Annotated[int, typer.Option(min=0, help="Steps of prompt encoder and mask decoder.")] = Recipe.decoder_steps,
    finder_lr: Annotated[float, typer.Option(help="Peak learning rate of encoder and finder; lower it when going on.")] = Recipe.finder_lr,
    joint_lr: Annotated[float, typer.Option(help="Peak learning rate of all parts together.")] = Recipe.joint_lr,
    decoder_lr: Annotated[float, typer.Option(help="Peak learning rate of the decoder.")] = Recipe.decoder_lr,
    parent: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="An embedded model to go on from; default: random weights.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render mosaics.")] = 2,
) -> None:
    """Make the embedded model on synthetic mosaics; takes hours, and resumes where it was cut off."""
    from tesserae.pretraining.run import pretrain as run_pretraining

    logging.getLogger("tesserae").setLevel(logging.INFO)
    recipe = Recipe(
        seed=seed,
        pool_size=pool,
        finder_steps=finder_steps,
        finder_lr=finder_lr,
        joint_steps=joint_steps,
        joint_lr=joint_lr,
        decoder_steps=decoder_steps,
        decoder_lr=decoder_lr,
    )
    target = out if out is not None else work_dir / "tesserae_mini.pt"
    with _progress_line("Rendering synthetic mosaics") as show:
        path = run_pretraining(
            recipe, work_dir, target, parent=parent, workers=workers, progress=lambda done, total: show(done / total, str(done))
        )
    typer.echo(f"The embedded model is written: {path}")


@checkpoints_app.command("list")
def list_all() -> None:
    """List the models and whether their files are here."""
    from tesserae.checkpoints import list_checkpoints
    from tesserae.download import format_size

    settings = Settings()
    for checkpoint in list_checkpoints(settings.weights, settings.checkpoint_url):
        state = "installed" if checkpoint.installed else "not installed"
        size_bytes = checkpoint.path.stat().st_size if checkpoint.installed else checkpoint.size_bytes
        size = format_size(size_bytes) if size_bytes else "-"
        typer.echo(f"{checkpoint.name:<24} {checkpoint.kind:<10} {state:<14} {size:<30} {checkpoint.config}")


@checkpoints_app.command()
def fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="Name of an official model.")]) -> None:
    """Download an official model; a broken download is taken up where it stopped."""
    from tesserae.checkpoints import fetch_checkpoint, find_checkpoint

    settings = Settings()
    checkpoint = find_checkpoint(name, settings.weights, settings.checkpoint_url)
    with _progress_line(f"Fetching {checkpoint.name}") as show:
        path = fetch_checkpoint(
            checkpoint,
            partial_dir=settings.home / "downloads",
            progress=lambda done, total: show(done / total if total else 0.0, f"{done / 1e6:.0f} MB"),
        )
    typer.echo(f"{checkpoint.name} is installed: {path}")


@checkpoints_app.command()
def verify(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One model; all installed ones by default.")] = None,
) -> int:
    """Compare the installed files with their recorded size and hash."""
    from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint, list_checkpoints, verify_checkpoint

    settings = Settings()
    if name is not None:
        chosen = [find_checkpoint(name, settings.weights, settings.checkpoint_url)]
    else:
        known = list_checkpoints(settings.weights, settings.checkpoint_url)
        chosen = [checkpoint for checkpoint in known if checkpoint.installed or checkpoint.name == EMBEDDED_NAME]
    outcomes = [verify_checkpoint(checkpoint) for checkpoint in chosen]
    for outcome in outcomes:
        typer.echo(_one_line(outcome.message), err=not outcome.ok)
    return 0 if all(outcome.ok for outcome in outcomes) else REFUSED


@checkpoints_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checkpoint of SAM 2 (.pt).")],
    config: Annotated[str, typer.Option(metavar="NAME", help="Its architecture, for example 2.0-large.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call it; the file's name by default.")] = None,
) -> None:
    """Copy a model from elsewhere into the weights folder, after checking that it fits."""
    from tesserae.weights import import_checkpoint

    checkpoint = import_checkpoint(file, config, Settings().weights, name)
    typer.echo(f"{checkpoint.name} is installed: {checkpoint.path}")


# --- Helpers of segment -----------------------------------------------------------------------------------------------


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
            status = _refuse(f"{path}: {error}" if len(photos) > 1 else str(error))
    return status


def _segment_one(path: Path, out: Path, folder_name: str, options: "RunOptions", settings: Settings, mm_per_px: float | None) -> None:
    from tesserae.service import run_file, save_run

    with _progress_line(path.name) as show:
        run = run_file(path, options, settings, progress=show)
    folder = save_run(out, run, mm_per_px=mm_per_px, folder_name=folder_name)
    for warning in run.segmentation.warnings:
        typer.echo(_one_line(f"Warning, {path.name}: {warning}"), err=True)
    typer.echo(f"{path.name}: {run.segmentation.count} tesserae, {folder}")


def _folder_names(photos: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each photo once, with a folder name of its own: wall.jpg and wall.tif become wall and wall_2."""
    from tesserae.results import result_folder_name

    taken: frozenset[str] = frozenset()
    for path in dict.fromkeys(photos):
        name = result_folder_name(path.name, taken)
        taken |= {name.casefold()}
        yield path, name


@contextmanager
def _progress_line(title: str) -> Iterator[Callable[[float, str], None]]:
    """One line on stderr that is written over, and wiped at the end; nothing where stderr is no terminal."""
    visible = sys.stderr.isatty()

    def show(share: float, what: str) -> None:
        if visible:
            typer.echo(f"\r\x1b[K{title}: {share:4.0%} {what}", err=True, nl=False)

    try:
        yield show
    finally:
        if visible:
            typer.echo("\r\x1b[K", err=True, nl=False)


def _refuse(message: str) -> int:
    typer.echo(_one_line(message), err=True)
    return REFUSED


def _one_line(text: str) -> str:
    return " ".join(text.split())
