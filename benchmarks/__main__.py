"""The command line of the benchmarks, `python -m benchmarks NAME [options]`: reads arguments, measures, prints and writes.

Figures go to stdout and into --out as Markdown and JSON; progress goes to stderr. Exit status 0, or 2 with one line.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import (
    big,
    carrying,
    cleanup,
    click,
    curve,
    effort,
    invariance,
    large_photo,
    marked,
    review,
    sessions,
    sharing,
    sheet,
    speed,
    strokes,
    synthetic,
    training,
)
from benchmarks.report import Report, format_report, machine_facts, write_report
from benchmarks.subject import Subject
from benchmarks.tables import Table
from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint
from tesserae.errors import TesseraeError
from tesserae.models import load_models
from tesserae.settings import PROJECT_DIR, Settings

REFUSED = 2
OUT_DIR = PROJECT_DIR / "out" / "benchmarks"
PICTURES_DIR = PROJECT_DIR / "docs" / "pictures"

Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for the figures (Markdown and JSON).", show_default="out/benchmarks")]
CheckpointName = Annotated[str, typer.Option("--checkpoint", metavar="NAME", help="The model that is measured.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Processor threads to use at most.")]
FirstSeed = Annotated[int, typer.Option(min=0, help="Seed of the first mosaic; the next takes the next number.")]
Pictures = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for pictures; none are drawn without it.")]
PicturesHere = Annotated[Path, typer.Option("--pictures", metavar="DIR", help="Folder for the picture.", show_default="docs/pictures")]
PhotosDir = Annotated[Path, typer.Argument(metavar="PHOTOS_DIR", file_okay=False, exists=True)]
Fast = Annotated[bool, typer.Option("--fast", help="Measure --fast instead of the default.")]

app = typer.Typer(help="Measure what Tesserae does.", add_completion=False, pretty_exceptions_enable=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (sys.argv by default) and return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(given or ["--help"], prog_name="python -m benchmarks", standalone_mode=False)
    except typer.TyperException as error:
        return _refuse(error.format_message())
    except (TesseraeError, OSError) as error:
        return _refuse(str(error))
    return status if isinstance(status, int) else 0


@app.command("marked")
def run_marked(
    photos_dir: PhotosDir,
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Real photographs with marked points: every entry of PHOTOS_DIR/marks.json."""
    subject = _subject(checkpoint, device, threads)
    rows = marked.measure_marked(photos_dir, subject, _say)
    _publish("marked", subject, {}, marked.tables_of_marked(rows), out)


@app.command("synthetic")
def run_synthetic(
    count: Annotated[int, typer.Option("-n", min=1, help="How many mosaics.")] = 40,
    first_seed: FirstSeed = 5000,
    size: Annotated[int, typer.Option(min=64, help="Side of the square photo in pixels.")] = 1024,
    pictures: Pictures = None,
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Synthetic mosaics of unseen seeds with exact truth; --pictures draws the hardest tenth."""
    subject = _subject(checkpoint, device, threads)
    rows = synthetic.measure_synthetic(range(first_seed, first_seed + count), size, subject, _say)
    options = {"n": count, "first_seed": first_seed, "size": size}
    _publish("synthetic", subject, options, synthetic.tables_of_synthetic(rows), out)
    if pictures is not None:
        _say(f"wrote {synthetic.write_hardest(rows, size, subject, pictures)}")


@app.command("review")
def run_review(
    count: Annotated[int, typer.Option("-n", min=1, help="How many mosaics.")] = 10,
    first_seed: FirstSeed = 6000,
    size: Annotated[int, typer.Option(min=64, help="Side of the square photo in pixels.")] = 512,
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """The review queue: share of the true mistakes in its first 5 and 10 per cent, against random order."""
    subject = _subject(checkpoint, device, threads)
    rows = review.measure_review(range(first_seed, first_seed + count), size, subject, _say)
    _publish("review", subject, {"n": count, "first_seed": first_seed, "size": size}, review.tables_of_review(rows), out)


@app.command("cleanup")
def run_cleanup(
    count: Annotated[int, typer.Option("-n", min=1, help="How many mosaics.")] = 10,
    first_seed: FirstSeed = 6000,
    size: Annotated[int, typer.Option(min=64, help="Side of the square photo in pixels.")] = 512,
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, exists=True, help="Photographs with marked points (marks.json) too.")
    ] = None,
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Every clean-up before and after: on the model's maps, on damaged ones, and on the photos of --photos."""
    subject = _subject(checkpoint, device, threads)
    rows = cleanup.measure_cleanup(range(first_seed, first_seed + count), size, subject, _say)
    photo_rows = cleanup.measure_marked(photos, subject, _say) if photos is not None else []
    options = {"n": count, "first_seed": first_seed, "size": size}
    _publish("cleanup", subject, options, cleanup.tables_of_cleanup(rows, photo_rows), out)


@app.command("effort")
def run_effort(
    photos: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, exists=True, help="Photographs with marked points (marks.json).")],
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Strokes and time from the model's map of a marked crop to its marks, by a simulated person."""
    subject = _subject(checkpoint, device, threads)
    _publish("effort", subject, {}, effort.tables_of_effort(effort.measure_effort(photos, subject, _say)), out)


@app.command("invariance")
def run_invariance(
    photos_dir: Annotated[Path | None, typer.Argument(metavar="[PHOTOS_DIR]", file_okay=False, exists=True)] = None,
    count: Annotated[int, typer.Option("-n", min=0, help="How many synthetic mosaics.")] = 8,
    first_seed: FirstSeed = 6000,
    size: Annotated[int, typer.Option(min=64, help="Side of the square synthetic photo in pixels.")] = 1024,
    fast: Fast = False,
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Change of the count when a photo is scaled or shifted; synthetic mosaics, and the photos of PHOTOS_DIR."""
    subject = _subject(checkpoint, device, threads)
    tile_px = load_models(subject.checkpoint, device).finder_predictor.tile_px
    seeds = range(first_seed, first_seed + count)
    rows = invariance.measure_synthetic(seeds, size, tile_px, subject, fast=fast, say=_say)
    tables = invariance.tables_of_invariance(rows, "synthetic mosaics")
    if photos_dir is not None:
        rows = invariance.measure_folder(photos_dir, tile_px, subject, fast=fast, say=_say)
        tables += invariance.tables_of_invariance(rows, "photographs")
    _publish("invariance", subject, {"n": count, "first_seed": first_seed, "size": size, "fast": fast}, tables, out)


@app.command("speed")
def run_speed(
    seed: Annotated[int, typer.Option(min=0, help="Seed of the mosaic.")] = speed.SEED,
    size: Annotated[int, typer.Option(min=128, help="Side of the square photo in pixels.")] = speed.SIZE_PX,
    part: Annotated[int, typer.Option(min=64, help="Side of its middle, on which the grid is run.")] = speed.PART_PX,
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Time and memory of a photo of usual size; the paper's grid beside the default on a part of it."""
    subject = _subject(checkpoint, device, threads)
    rows = speed.measure_speed(out / "speed", subject, _say, seed=seed, size_px=size, part_px=part)
    _publish("speed", subject, {"seed": seed, "size": size, "part": part}, speed.tables_of_speed(rows), out)


@app.command("big")
def run_big(
    seed: Annotated[int, typer.Option(min=0, help="Seed of the mosaic.")] = big.SEED,
    mosaic: Annotated[int, typer.Option(min=64, help="Side of the mosaic in pixels, before it is mirrored.")] = big.MOSAIC_PX,
    copies: Annotated[int, typer.Option(min=1, help="Mirror-tiled so many times each way.")] = big.COPIES,
    default: Annotated[bool, typer.Option("--default", help="Measure the default instead of --fast.")] = False,
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Time and memory of a photo of 8,000 x 8,000 pixels with --fast."""
    subject = _subject(checkpoint, device, threads)
    rows = big.measure_big(out / "big", subject, _say, seed=seed, mosaic_px=mosaic, copies=copies, fast=not default)
    options = {"seed": seed, "mosaic": mosaic, "copies": copies, "fast": not default}
    _publish("big", subject, options, big.tables_of_big(rows), out)


@app.command("carrying")
def run_carrying(
    photos_dir: PhotosDir,
    taught: Annotated[list[str], typer.Option("--taught", metavar="NAME", help="An entry to learn from; may be given several times.")],
    epochs: Annotated[int, typer.Option(min=1, help="Of the fine-tune.")] = 3,
    out: Out = OUT_DIR,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """What corrections of one marked crop do to the other photos of PHOTOS_DIR/marks.json."""
    subject = _subject(EMBEDDED_NAME, device, threads)
    rows = carrying.measure_carrying(photos_dir, taught, epochs, subject, _say)
    _publish("carrying", subject, {"epochs": epochs}, carrying.tables_of_carrying(rows), out)


@app.command("training")
def run_training(
    model: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A model; may be given several times.")] = None,
    threads: Threads = None,
    out: Out = OUT_DIR,
) -> None:
    """One step of the fine-tune: seconds, memory, and what cached features save."""
    subject = _subject(EMBEDDED_NAME, "cpu", threads)
    rows = training.measure_training(subject, _say, names=tuple(model or training.NAMES))
    _publish("training", subject, {}, training.tables_of_training(rows), out)


@app.command("sharing")
def run_sharing(
    seed: Annotated[int, typer.Option(min=0, help="Seed of the mosaic.")] = sharing.SEED,
    size: Annotated[int, typer.Option(min=128, help="Side of the square photo in pixels.")] = sharing.SIZE_PX,
    out: Out = OUT_DIR,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """What a second model costs that shares the embeddings of the first; the embedded model and the official tiny architecture."""
    subject = _subject(EMBEDDED_NAME, device, threads)
    rows = sharing.measure_sharing(subject, _say, seed=seed, size_px=size)
    _publish("sharing", subject, {"seed": seed, "size": size}, sharing.tables_of_sharing(rows), out)


@app.command("click")
def run_click(
    count: Annotated[int, typer.Option("-n", min=1, help="How many mosaics.")] = 24,
    first_seed: FirstSeed = 6300,
    size: Annotated[int, typer.Option(min=128, help="Side of the square photo in pixels.")] = 360,
    stones: Annotated[int, typer.Option(min=1, help="Stones of each mosaic that a run found, and at most as many that it missed.")] = 8,
    clicks: Annotated[int, typer.Option(min=1, help="Clicks that are timed, of each model and way.")] = 9,
    out: Out = OUT_DIR,
    checkpoint: CheckpointName = EMBEDDED_NAME,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """One stone from clicks: IoU by kind of prompt, and time with and without kept embeddings."""
    subject = _subject(checkpoint, device, threads)
    seeds = range(first_seed, first_seed + count)
    rows = click.measure_clicks(seeds, size, subject, _say, most=stones, most_missed=stones)
    times = click.measure_times(_subject(EMBEDDED_NAME, device, threads), _say, clicks=clicks)
    options = {"n": count, "first_seed": first_seed, "size": size, "stones": stones, "clicks": clicks}
    _publish("click", subject, options, click.tables_of_clicks(rows, times), out)


@app.command("large_photo")
def run_large_photo(
    seed: Annotated[int, typer.Option(min=0, help="Seed of the mosaic.")] = large_photo.SEED,
    mosaic: Annotated[int, typer.Option(min=64, help="Side of the mosaic in pixels, before it is mirrored.")] = large_photo.MOSAIC_PX,
    copies: Annotated[int, typer.Option(min=1, help="Mirror-tiled so many times each way.")] = large_photo.COPIES,
    out: Out = OUT_DIR,
) -> None:
    """Time and memory of the page with a photo of 10,000 x 10,000 pixels, in a real browser."""
    rows = large_photo.measure_large_photo(out / "large_photo", _say, seed=seed, mosaic_px=mosaic, copies=copies)
    size_mb = large_photo.photo_path(out / "large_photo", mosaic * copies).stat().st_size / 1e6
    options = {"seed": seed, "mosaic": mosaic, "copies": copies}
    _publish("large_photo", _subject(EMBEDDED_NAME, "cpu", None), options, large_photo.tables_of_large_photo(rows, size_mb), out)


@app.command("strokes")
def run_strokes(
    count: Annotated[int, typer.Option("-n", min=1, help="How many strokes.")] = strokes.STROKES,
    out: Out = OUT_DIR,
) -> None:
    """Correcting 3,000 tesserae in 48 megapixels on the page, in a real browser: time, memory and bytes of a stroke."""
    rows = strokes.measure_strokes(_say, strokes=count)
    _publish("strokes", _subject(EMBEDDED_NAME, "cpu", None), {"n": count}, strokes.tables_of_strokes(rows), out)


@app.command("sessions")
def run_sessions(
    count: Annotated[int, typer.Option("-n", min=1, help="How many sessions.")] = sessions.SESSIONS,
    first_seed: FirstSeed = 0,
    out: Out = OUT_DIR,
) -> None:
    """Correction sessions that end by kill -9: whether anything that was shown as applied is lost."""
    rows = sessions.measure_sessions(count, first_seed, _say)
    subject = _subject(EMBEDDED_NAME, "cpu", None)
    _publish("sessions", subject, {"n": count, "first_seed": first_seed}, sessions.tables_of_sessions(rows), out)


@app.command("curve")
def run_curve(
    logs_dir: Annotated[Path, typer.Argument(metavar="WORK_DIR", file_okay=False, exists=True, help="Work folder of the pretraining.")],
    pictures: PicturesHere = PICTURES_DIR,
) -> None:
    """Draw the training curves from finder.jsonl and decoder.jsonl, those that are there."""
    paths = [logs_dir / name for name in curve.LOGS if (logs_dir / name).is_file()]
    if not paths:
        raise TesseraeError(f"Expected {' or '.join(curve.LOGS)} in {logs_dir}, found neither. Give the work folder of a pretraining.")
    _say(f"wrote {curve.write_curve(paths, pictures)}")


@app.command("sheet")
def run_sheet(
    count: Annotated[int, typer.Option("-n", min=1, help="How many mosaics.")] = 12,
    first_seed: FirstSeed = 7000,
    size: Annotated[int, typer.Option(min=64, help="Side of each mosaic in pixels.")] = 480,
    columns: Annotated[int, typer.Option(min=1, help="Mosaics in a row.")] = 4,
    cell: Annotated[int, typer.Option(min=64, help="Side at which each is shown.")] = 360,
    pictures: PicturesHere = PICTURES_DIR,
) -> None:
    """Draw a sheet of synthetic mosaics."""
    seeds = range(first_seed, first_seed + count)
    _say(f"wrote {sheet.write_sheet(pictures, seeds, size, columns, cell)}")


def _subject(checkpoint_name: str, device: str, threads: int | None) -> Subject:
    settings = Settings()
    return Subject(find_checkpoint(checkpoint_name, settings.weights, settings.checkpoint_url), device, threads)


def _publish(name: str, subject: Subject, options: Mapping[str, object], tables: tuple[Table, ...], out_dir: Path) -> None:
    """Print the report and write it."""
    report = Report(name, machine_facts(subject.checkpoint, subject.device, subject.threads), options, tables)
    print(format_report(report))
    markdown_path, json_path = write_report(report, out_dir)
    _say(f"wrote {markdown_path} and {json_path}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _refuse(message: str) -> int:
    print(" ".join(message.split()), file=sys.stderr)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
