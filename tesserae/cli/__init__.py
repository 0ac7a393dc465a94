"""The command line, `python -m tesserae`: reads arguments, calls the library, prints; decides nothing about mosaics.

Exit status 0, or 2 with one line on stderr for everything that the user can put right: wrong usage, a photo that cannot
be read, a missing checkpoint, a full disk. Where several photos are given, one that fails does not stop the others: it
gets its line, and the status is 2 at the end. Results go to stdout; progress goes to stderr, and only to a terminal.
Everything heavy is imported inside the commands, so that --help is fast.
"""

import logging
import sys
from collections.abc import Sequence

import typer

from tesserae.cli import checkpoints, dataset
from tesserae.cli.correcting import convert, correct
from tesserae.cli.judging import compare, evaluate
from tesserae.cli.learning import finetune
from tesserae.cli.machine import doctor, worker
from tesserae.cli.pretraining import pretrain, synthesize
from tesserae.cli.segmenting import segment
from tesserae.cli.studying import study
from tesserae.cli.terminal import INTERRUPTED, refuse
from tesserae.errors import TesseraeError

app = typer.Typer(
    help="Find, count and measure the stones of a mosaic in a photograph.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    segment,
    evaluate,
    compare,
    convert,
    correct,
    finetune,
    study,
    synthesize,
    doctor,
    worker,
    pretrain,
):  # as --help lists them
    app.command()(command)
app.add_typer(checkpoints.app, name="checkpoints")
app.add_typer(dataset.app, name="dataset")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (sys.argv by default) and return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")  # the library's warnings, one line each, to stderr
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)  # those of other libraries tell the user nothing
    try:
        status = app(given or ["--help"], prog_name="python -m tesserae", standalone_mode=False)
    except typer.TyperException as error:
        return refuse(f"{error.format_message()} Add --help to see what can be given.")
    except TesseraeError as error:
        return refuse(str(error))
    except MemoryError:
        return refuse("The memory of this machine is too small for that photo. Give a smaller photo, or a part of it.")
    if status == INTERRUPTED:  # what typer makes of Ctrl-C
        refuse("Interrupted; what was finished is kept.")
    return status if isinstance(status, int) else 0
