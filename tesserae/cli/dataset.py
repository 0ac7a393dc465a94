"""The commands of the dataset: what is in it, writing it to a file or folder, taking one over."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tesserae.cli.terminal import progress_line
from tesserae.settings import Settings

if TYPE_CHECKING:
    from tesserae.dataset.membership import Member

app = typer.Typer(help="What people approved, to learn from: list it, take it elsewhere, take one over.")


@app.command("list")
def list_dataset() -> None:
    """List the mosaics of the dataset, each with its side of the split, and say how it is split and what is missing."""
    from tesserae.dataset import find_members
    from tesserae.dataset.summary import describe_dataset
    from tesserae.store import open_store

    settings = Settings()
    with open_store(settings) as store:
        for member in find_members(store, settings):
            typer.echo(_line(member))
        for sentence in describe_dataset(store, settings):
            typer.echo(sentence)


@app.command("export")
def export_dataset(
    path: Annotated[Path, typer.Argument(metavar="DIR|FILE.zip", help="Folder or zip file to write.")],
    layout: Annotated[
        Literal["masks", "coco", "zip"] | None,
        typer.Option(help="images/ and masks/, images/ and COCO, or all in one zip; by default zip for .zip, masks for a folder."),
    ] = None,
) -> None:
    """Write everything that is approved, with the photos."""
    is_zip = path.suffix.lower() == ".zip"
    if layout is not None and (layout == "zip") != is_zip:
        raise typer.BadParameter(f"--layout {layout} writes a {'file that ends in .zip' if layout == 'zip' else 'folder'}, found {path}.")
    from tesserae.dataset.packing import write_folder, write_zip
    from tesserae.store import open_store

    settings = Settings()
    with open_store(settings) as store:
        if is_zip:
            write_zip(store, settings, path)
        else:
            for note in write_folder(store, settings, path, "coco" if layout == "coco" else "masks"):
                typer.echo(note)
    typer.echo(f"The dataset is written: {path}")


@app.command("import")
def import_into_dataset(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A zip file that was exported, or a folder with images/ and masks/ or COCO.")
    ],
    author: Annotated[str, typer.Option(metavar="NAME", help="Who vouches for the annotations of a folder.")] = "",
) -> None:
    """Take photos with what is approved of them into the collection; all of them or none."""
    from tesserae.dataset.taking import import_dataset
    from tesserae.store import open_store

    settings = Settings()
    with open_store(settings) as store, progress_line(path.name) as show:
        taken = import_dataset(store, settings, path, author, show)
    for note in taken.notes:
        typer.echo(note)
    typer.echo(taken.sentence)


def _line(member: "Member") -> str:
    """One mosaic in one line."""
    annotation, record = member.annotation, member.record
    extent = "whole" if annotation.region_xy is None else "part"
    side = f"{record.split} ({record.chosen_by})" if record.chosen_by else record.split
    approved = f"{annotation.approved_at:%Y-%m-%d} by {annotation.author or 'nobody named'}"
    same = "  shows the same as another photo" if member.alike else ""
    return f"{member.photo.shown_name:<32} {annotation.count:>6} tesserae  {extent:<5}  {side:<20}  approved {approved}{same}"
