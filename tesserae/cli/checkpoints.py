"""`checkpoints`: which models there are, and how to get and check them."""

from pathlib import Path
from typing import Annotated

import typer

from tesserae.cli.terminal import REFUSED, one_line, progress_line
from tesserae.settings import Settings

app = typer.Typer(help="The models: which there are, and how to get and check them.")


@app.command("list")
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


@app.command()
def fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="Name of an official model.")]) -> None:
    """Download an official model; a broken download is taken up where it stopped."""
    from tesserae.checkpoints import fetch_checkpoint, find_checkpoint

    settings = Settings()
    checkpoint = find_checkpoint(name, settings.weights, settings.checkpoint_url)
    with progress_line(f"Fetching {checkpoint.name}") as show:
        path = fetch_checkpoint(
            checkpoint,
            partial_dir=settings.home / "downloads",
            progress=lambda done, total: show(done / total if total else 0.0, f"{done / 1e6:.0f} MB"),
        )
    typer.echo(f"{checkpoint.name} is installed: {path}")


@app.command()
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
        typer.echo(one_line(outcome.message), err=not outcome.ok)
    return 0 if all(outcome.ok for outcome in outcomes) else REFUSED


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checkpoint of SAM 2 (.pt).")],
    config: Annotated[str, typer.Option(metavar="NAME", help="Its architecture, for example 2.0-large.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call it; the file's name by default.")] = None,
) -> None:
    """Copy a model from elsewhere into the weights folder, after checking that it fits."""
    from tesserae.weights import import_checkpoint

    checkpoint = import_checkpoint(file, config, Settings().weights, name)
    typer.echo(f"{checkpoint.name} is installed: {checkpoint.path}")
