"""Words that several pages share; knows nothing of Streamlit but its Markdown."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=])")


def plain(text: str) -> str:
    """`text` so that Streamlit shows each sign as it is, also where people wrote stars, dollars or brackets; one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


_PLURALS = {"tessera": "tesserae", "entry": "entries"}


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 photo", "1,200 photos", "3 tesserae"."""
    return f"{number:,} {noun if number == 1 else _PLURALS.get(noun, noun + 's')}"
