"""What the commands say on stderr: the line that shows progress, and the one that refuses."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

REFUSED, INTERRUPTED = 2, 130


@contextmanager
def progress_line(title: str) -> Iterator[Callable[[float, str], None]]:
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


def refuse(message: str) -> int:
    """Say why on one line, and return the exit status."""
    typer.echo(one_line(message), err=True)
    return REFUSED


def one_line(text: str) -> str:
    """Return the text with every run of spaces and line ends as one space."""
    return " ".join(text.split())
