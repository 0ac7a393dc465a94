"""`doctor` and `worker`: this machine, its collection, and the jobs that it does."""

import logging
from typing import Annotated

import typer

from tesserae.settings import Settings


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


def worker() -> None:
    """Do the jobs that the pages queue, one after the other, until Ctrl-C; several machines may share the work."""
    from tesserae.jobs.worker import serve

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", force=True)
    logging.getLogger("tesserae").setLevel(logging.INFO)
    serve(Settings())
