"""A document of headings, sentences, tables and figures, written as Markdown and as one HTML file; knows not what it is about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tesserae.atomic import write_file
from tesserae.results import output_errors

FIGURES_FOLDER = "figures"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #282826; background: #fcfcfb }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px; display: block; overflow-x: auto }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid #e4e2dc; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
figure { margin: 1rem 0 } svg { max-width: 100%; height: auto }
"""


@dataclass(frozen=True)
class Heading:
    """A heading below the title."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of words below a head; the first column is read from the left, the others are figures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture: name of its file without ending, what it shows, and its SVG text."""

    name: str
    caption: str
    svg: str


Block = Heading | Paragraph | Table | Figure


def write_document(folder: Path, name: str, title: str, blocks: Sequence[Block]) -> tuple[Path, Path]:
    """Write NAME.md with its figures in a folder beside it, and NAME.html, which holds them; returns both paths. Raises OutputError."""
    markdown, html = folder / f"{name}.md", folder / f"{name}.html"
    with output_errors(folder):
        for block in blocks:
            if isinstance(block, Figure):
                write_file(folder / FIGURES_FOLDER / f"{block.name}.svg", block.svg.encode())
        write_file(markdown, format_markdown(title, blocks).encode())
        write_file(html, format_html(title, blocks).encode())
    return markdown, html


def format_markdown(title: str, blocks: Sequence[Block]) -> str:
    """Return a document as Markdown, with figures as links."""
    return "\n\n".join([f"# {title}", *(_markdown(block) for block in blocks)]) + "\n"


def format_html(title: str, blocks: Sequence[Block]) -> str:
    """Return a document as one HTML file that needs no other."""
    body = "\n".join(_html(block) for block in blocks)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    shown = f"<body><h1>{escape(title)}</h1>\n{body}\n</body>"
    return f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n{shown}</html>\n'


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {block.text}"
    if isinstance(block, Paragraph):
        return block.text
    if isinstance(block, Figure):
        return f"![{block.caption}]({FIGURES_FOLDER}/{block.name}.svg)"
    return "\n".join(_markdown_rows(block))


def _markdown_rows(table: Table) -> Iterator[str]:
    yield _markdown_row(table.head)
    yield _markdown_row(("---", *("--:" for _ in table.head[1:])))
    yield from (_markdown_row(row) for row in table.rows)


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text)}</h2>"
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Figure):
        return f"<figure>{block.svg}<figcaption>{escape(block.caption)}</figcaption></figure>"
    head = "".join(f"<th>{escape(cell)}</th>" for cell in block.head)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in block.rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>"
