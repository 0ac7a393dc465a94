"""`finetune`: a checkpoint learns from approved mosaics, or from a folder of photos with masks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tesserae.checkpoints import EMBEDDED_NAME
from tesserae.cli.terminal import progress_line
from tesserae.settings import Settings
from tesserae.training.order import Order
from tesserae.training.recipe import PRESETS

if TYPE_CHECKING:
    from tesserae.dataset import Dataset


def finetune(
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call the new model.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder with images/ and masks/; default: what is approved here."),
    ] = None,
    base: Annotated[str, typer.Option("--base", metavar="NAME", help="The model to begin with.")] = EMBEDDED_NAME,
    preset: Annotated[str, typer.Option("--preset", help=f"The recipe: {' or '.join(PRESETS)}.")] = "default",
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes at most; default: the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every draw, the split of a folder too; default: the recipe's.")] = None,
    steps: Annotated[int | None, typer.Option("--steps-per-epoch", min=1, help="Pictures in a pass; default: the recipe's.")] = None,
    unfreeze_encoder: Annotated[bool, typer.Option(help="Let the image encoder learn too; needs a strong graphics card.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="How many of them.")] = 1,
) -> None:
    """Fine-tune a model; run again after a break, it goes on from its last epoch. Made the default if it is better on unseen mosaics."""
    settings = Settings()
    order = Order(name, base, preset, epochs, seed, steps, unfreeze_encoder, device, devices)
    dataset = _read_dataset(data, order.recipe().seed, settings)
    for note in dataset.notes:
        typer.echo(note)
    from tesserae.training.record import format_table  # brings torch, after what can be refused without it
    from tesserae.training.run import finetune as run

    with progress_line(name) as show:
        outcome = run(order, dataset, settings, show)
    if outcome is None:  # the first of several devices speaks
        return
    found = outcome.findings
    typer.echo(f"validation, epoch {found.best_epoch} of {found.epochs}\n{format_table(found.table)}")
    if found.test:
        typer.echo(f"test\n{format_table(found.test)}")
    ending = "It is the default model now." if found.verdict.promoted else "It is kept beside the others; the default model stays."
    typer.echo(f"{found.sentence}\n{found.verdict.reason} {ending}")


def _read_dataset(data: Path | None, seed: int, settings: Settings) -> "Dataset":
    from tesserae.dataset import collect_dataset, read_folder
    from tesserae.store import open_store

    if data is not None:
        return read_folder(data, seed, max_pixels=settings.max_pixels)
    with open_store(settings) as store:
        return collect_dataset(store, settings)
