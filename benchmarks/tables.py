"""Rows of figures as Markdown tables, and the rows that sum them up; knows nothing of mosaics.

A row is a dict of plain values. A missing figure is None or NaN; it is shown as a dash, never as 0, and is left out of means.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Row = dict[str, object]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        key: of the row.
        heading: as shown.
        spec: format specification of the figure, such as ".3f" or "+.1%"; empty for words and whole numbers.
    """

    key: str
    heading: str
    spec: str = ""


@dataclass(frozen=True)
class Table:
    """A titled table; `notes` are sentences below it."""

    title: str
    columns: tuple[Column, ...]
    rows: list[Row]
    notes: tuple[str, ...] = ()


def format_table(table: Table) -> str:
    """The table as Markdown, with its title as a heading."""
    head = [column.heading for column in table.columns]
    rule = ["---" if _is_words(column, table.rows) else "--:" for column in table.columns]
    body = [[format_value(row.get(column.key), column.spec) for column in table.columns] for row in table.rows]
    lines = [f"### {table.title}", "", *(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))]
    return "\n".join([*lines, *(f"\n{note}" for note in table.notes)]) + "\n"


def format_value(value: object, spec: str = "") -> str:
    """One cell; a missing figure is a dash, and a per cent sign stands off its number."""
    if is_missing(value):
        return "-"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format(value, spec).replace("%", " %")
    return str(value).replace("|", "\\|").replace("\n", " ")


def is_missing(value: object) -> bool:
    """Whether a figure is missing: None or not a number."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def figures(rows: Iterable[Row], key: str) -> list[float]:
    """The figures of one column that are there."""
    values = (row.get(key) for row in rows)
    return [float(value) for value in values if isinstance(value, int | float) and not is_missing(value)]


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    return sum(values) / len(values) if values else None


def lowest(values: Sequence[float]) -> float | None:
    """The worst of figures that should be high; None of nothing."""
    return min(values, default=None)


def highest(values: Sequence[float]) -> float | None:
    """The worst of figures that should be low; None of nothing."""
    return max(values, default=None)


def farthest(values: Sequence[float]) -> float | None:
    """The worst of signed errors, with its sign; None of nothing."""
    return max(values, key=abs, default=None)


def summarise(rows: Sequence[Row], how: Mapping[str, Callable[[Sequence[float]], float | None]], **words: object) -> Row:
    """One row that sums up many: each key by its own function, `words` put in as they are."""
    return {**words, **{key: function(figures(rows, key)) for key, function in how.items()}}


def hardest(rows: Sequence[Row], key: str, share: float = 0.1) -> list[Row]:
    """The rows with the lowest figures under `key`, at least one, a `share` of all rounded up; the hardest first."""
    known = [row for row in rows if figures([row], key)]
    known.sort(key=lambda row: figures([row], key)[0])
    return known[: math.ceil(share * len(known) - 1e-9)]  # 0.1 * 30 is a little above 3


def _is_words(column: Column, rows: Sequence[Row]) -> bool:
    values = [row.get(column.key) for row in rows if not is_missing(row.get(column.key))]
    return any(isinstance(value, str) for value in values)
