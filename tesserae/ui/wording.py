"""Words that several pages share; knows nothing of Streamlit but its Markdown."""

import re

from tesserae.store.annotations import AnnotationRecord

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=])")


def plain(text: str) -> str:
    """`text` so that Streamlit shows each sign as it is, also where people wrote stars, dollars or brackets; one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


_PLURALS = {"tessera": "tesserae", "entry": "entries"}


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 photo", "1,200 photos", "3 tesserae"."""
    return f"{number:,} {noun if number == 1 else _PLURALS.get(noun, noun + 's')}"


def approval_in_words(annotation: AnnotationRecord) -> str:
    """What is approved, by whom and when, in one line."""
    extent = "the whole photo" if annotation.region_xy is None else f"a part of the photo, {counted(len(annotation.region_xy), 'region')}"
    unreadable = ", without what is unreadable" if annotation.ignored_file is not None else ""
    by = annotation.author or "somebody without a name"
    return f"{counted(annotation.count, 'tessera')} in {extent}{unreadable}, approved by {by} on {annotation.approved_at:%Y-%m-%d}"
