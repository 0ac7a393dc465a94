"""A checkpoint's record in plain words, and what a missing official file would bring; knows no Streamlit.

Records are JSON files that programs and people write: what is not in one is said to be missing, what has another form is left out.
"""

import re
from collections.abc import Mapping

from tesserae.checkpoints import Checkpoint
from tesserae.download import format_size
from tesserae.ui.wording import counted

MISSING = "not recorded"
ORIGINS = {"embedded": "comes with the program", "official": "published by Meta", "finetuned": "fine-tuned or imported"}

# Kapelonis, Antonakakis, Politof, Antoniadis, Zervakis: Automated Mosaic Tesserae Segmentation via Deep Learning Techniques,
# IEEE IST 2025, arXiv 2512.18406; pixel metrics on the authors' test set.
PAPER = "arXiv 2512.18406"
_PUBLISHED = {
    "sam2_hiera_large": (
        ("IoU on mosaics, as published", f"89.00 % as it is, 91.02 % after fine-tuning ({PAPER})"),
        ("Recall on mosaics, as published", f"92.12 % as it is, 95.89 % after fine-tuning ({PAPER})"),
    )
}

_VALIDATION = (("abs_count_error", "Count error"), ("f1_50", "F1"), ("pixel_iou", "IoU"))

_OFFICIAL_CONFIG = re.compile(r"configs/sam2(?:\.1)?/sam2(\.1)?_hiera_(t|s|b\+|l)\.yaml")
_SIZES = {"t": "tiny", "s": "small", "b+": "base plus", "l": "large"}

Facts = list[tuple[str, str]]


def describe_record(checkpoint: Checkpoint) -> Facts:
    """Return what is known of a checkpoint as (what, value) in words: origin, parent, training, date, scores, size."""
    record = checkpoint.record
    size_bytes = checkpoint.path.stat().st_size if checkpoint.installed else checkpoint.size_bytes
    facts = [("Origin", ORIGINS[checkpoint.kind]), ("Parent", _parent(checkpoint)), ("Trained on", _training(checkpoint))]
    facts += [("Date", _date(record)), *_learning(record), *_scores(checkpoint)]
    facts += [
        ("Size", MISSING if size_bytes is None else format_size(size_bytes)),
        ("Architecture", architecture_in_words(checkpoint.config)),
    ]
    if isinstance(record.get("source_file"), str):
        facts.append(("Imported from", str(record["source_file"])))
    if isinstance(record.get("notes"), str):
        facts.append(("Notes", str(record["notes"])))
    return facts


def describe_gain(checkpoint: Checkpoint) -> Facts:
    """Return what fetching a missing official checkpoint would cost and bring."""
    parameters = checkpoint.record.get("parameters_m")
    published = _PUBLISHED.get(checkpoint.name, (("Results on mosaics", f"none published; {PAPER} used sam2_hiera_large"),))
    return [
        ("Download", MISSING if checkpoint.size_bytes is None else format_size(checkpoint.size_bytes)),
        ("Parameters", f"{parameters} million" if isinstance(parameters, int | float) else MISSING),
        *published,
    ]


def architecture_in_words(config: str) -> str:
    """Return "SAM 2.1 base plus" for configs/sam2.1/sam2.1_hiera_b+.yaml, and any other name as it is."""
    match = _OFFICIAL_CONFIG.fullmatch(config)
    return f"SAM {'2.1' if match[1] else '2.0'} {_SIZES[match[2]]}" if match else config


def _parent(checkpoint: Checkpoint) -> str:
    if checkpoint.kind == "official":
        return "none"
    record = checkpoint.record
    if "parent" not in record:
        return MISSING
    parent = record["parent"]
    if parent is None:
        return "none: trained from the start" if checkpoint.kind == "embedded" else MISSING
    return str(parent.get("name", MISSING)) if isinstance(parent, Mapping) else str(parent)


def _training(checkpoint: Checkpoint) -> str:
    """The data in words: a description, or the number of photos in each part of the split."""
    if checkpoint.kind == "official":
        return "photographs and videos in general, no mosaics in particular"
    data = checkpoint.record.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("kind"), str):
        return str(data["kind"])
    learned = checkpoint.record.get("dataset")
    if isinstance(learned, Mapping) and isinstance(learned.get("mosaics"), int) and isinstance(learned.get("tesserae"), int):
        return f"{counted(learned['tesserae'], 'tessera')} of {counted(learned['mosaics'], 'mosaic')}"
    photos = checkpoint.record.get("photos")
    if isinstance(photos, Mapping):
        parts = [f"{len(ids)} in {part}" for part, ids in photos.items() if isinstance(ids, list)]
        return f"photos: {', '.join(parts)}" if parts else MISSING
    return MISSING


def _learning(record: Mapping[str, object]) -> Facts:
    """What a fine-tune of this program says of itself, and why it became the default or not."""
    told = (("What it brought", record.get("sentence")), ("Against the others", record.get("reason")))
    return [(what, value) for what, value in told if isinstance(value, str)]


def _date(record: Mapping[str, object]) -> str:
    date = record.get("date")
    return date[:10] if isinstance(date, str) and date else MISSING


def _scores(checkpoint: Checkpoint) -> Facts:
    scores = checkpoint.record.get("scores")
    if isinstance(scores, Mapping) and scores:
        return [(f"Score: {name}", _figure(value)) for name, value in scores.items()]
    if measured := _validation_scores(checkpoint.record):
        return measured
    return list(_PUBLISHED.get(checkpoint.name, (("Scores", MISSING),)))


def _validation_scores(record: Mapping[str, object]) -> Facts:
    """Mean figures of the model itself, the last of those that were judged, on what its fine-tune kept apart."""
    judged = record.get("validation")
    last = list(judged.values())[-1] if isinstance(judged, Mapping) and judged else None
    mean = last.get("mean") if isinstance(last, Mapping) else None
    if not isinstance(mean, Mapping):
        return []
    values = [(title, mean.get(key)) for key, title in _VALIDATION]
    return [(f"{title}, where it did not learn", _percent(value)) for title, value in values]


def _percent(value: object) -> str:
    return f"{100 * value:.1f} %" if isinstance(value, int | float) else MISSING


def _figure(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return MISSING if value is None else str(value)
    return f"{value:.4g}"
