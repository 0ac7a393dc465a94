"""`synthesize` and `pretrain`: synthetic mosaics, and the embedded model that is made from them."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from tesserae.cli.terminal import progress_line
from tesserae.errors import OutputError
from tesserae.pretraining.recipe import Recipe


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
    with progress_line("Rendering synthetic mosaics") as show:
        path = run_pretraining(
            recipe, work_dir, target, parent=parent, workers=workers, progress=lambda done, total: show(done / total, str(done))
        )
    typer.echo(f"The embedded model is written: {path}")
