"""`correct` and `convert`: annotations made by hand, here or elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from tesserae.settings import Settings


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
