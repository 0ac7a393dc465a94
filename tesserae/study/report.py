"""What a study found, as a document: means with ranges, changes, figures, every mosaic by itself, and how it was done."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tesserae.study.catalogue import Study, Variant
from tesserae.study.charts import Line, Spot, draw_lines, draw_means
from tesserae.study.document import Block, Figure, Heading, Paragraph, Table
from tesserae.study.findings import Finding
from tesserae.study.intervals import Interval, describe_method, mean_interval
from tesserae.study.published import compare_with_published

FIGURES = {
    "f1_50": "F1 at 0.5",
    "f1_75": "F1 at 0.75",
    "mean_f1": "mean F1",
    "pixel_iou": "pixel IoU",
    "precision": "precision",
    "recall": "recall",
    "f_measure": "F per tile",
    "count_error": "count error",
    "abs_count_error": "without sign",
}
"""Figures of `MosaicFigures` in the order of the tables."""

SIGNED = ("count_error",)
_DRAWN = ("f1_50", "mean_f1", "pixel_iou", "count_error")
_DASH = "–"


@dataclass(frozen=True)
class Studied:
    """A study that was run, or some of it.

    Attributes:
        variants: all of them, in order.
        findings: of those that are done, at least of the first one.
        notes: sentences on the mosaics.
        facts: of machine and versions, by name.
    """

    study: Study
    variants: tuple[Variant, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    facts: Mapping[str, str]


def describe_study(studied: Studied) -> list[Block]:
    """Return the report of a study without its title; of one that is not finished, with what is done."""
    study, findings = studied.study, studied.findings
    mosaics = len(findings[0].figures)
    blocks: list[Block] = [Paragraph(study.question), Paragraph(study.method)]
    if len(findings) < len(studied.variants):
        blocks.append(Paragraph(f"Not finished: {len(findings)} of {len(studied.variants)} variants are done."))
    blocks += [Heading("Means"), summarise(findings)]
    blocks.append(Paragraph(f"All figures are in per cent. {describe_method(mosaics)}"))
    if study.name == "paper" and len(findings) > 1:
        blocks += compare_with_published(findings)
    if len(findings) > 1:
        blocks += [Heading(f"Change against '{findings[0].variant}', mosaic by mosaic, in points"), _changes(findings)]
    blocks += [Heading("Figures"), *_figures(studied)]
    blocks += [Heading("Every mosaic"), _mosaics(findings)]
    if any(finding.training for finding in findings):
        blocks += [Heading("Training"), _trainings(findings), *_told(findings)]
    return [*blocks, Heading("How it was done"), *_method(studied)]


def summarise(findings: Sequence[Finding]) -> Table:
    """Return the table of means over mosaics with their ranges, one row per variant."""
    calibrated = any(finding.calibration for finding in findings)
    rows = []
    for finding in findings:
        cells = [_with_range(mean_interval(finding.values(name)), signed=name in SIGNED) for name in FIGURES]
        rows.append((finding.variant, *cells, *([_error_of(finding)] if calibrated else [])))
    return Table(("variant", *FIGURES.values(), *(["calibration error"] if calibrated else [])), tuple(rows))


def _changes(findings: Sequence[Finding]) -> Table:
    """Means over mosaics of each figure's difference to the first variant on the same mosaic, in points."""
    first, rows = findings[0], []
    for finding in findings[1:]:
        cells = []
        for name in FIGURES:
            pairs = zip(first.values(name), finding.values(name), strict=True)
            cells.append(_with_range(mean_interval([after - before for before, after in pairs]), signed=True))
        rows.append((finding.variant, *cells))
    return Table(("variant", *FIGURES.values()), tuple(rows))


def _figures(studied: Studied) -> Iterator[Figure]:
    findings = studied.findings
    for name in _DRAWN:
        means = [(finding.variant, mean_interval(finding.values(name))) for finding in findings]
        rows = [(variant, each.mean, each.low, each.high) for variant, each in means]
        title = f"{FIGURES[name]}, mean and range"
        yield Figure(name, f"{FIGURES[name]} of each variant: mean over mosaics, with its range.", draw_means(title, rows))
    if curves := _curves(studied):
        for name in ("f1_50", "abs_count_error"):
            title = f"{'count error without sign' if name == 'abs_count_error' else FIGURES[name]}, by corrected mosaics"
            lines = [Line(preset, _spots(studied, numbers, name)) for preset, numbers in curves.items()]
            yield Figure(f"learning_{name}", f"{title}; 0 is the base.", draw_lines(title, "corrected mosaics", lines))
    calibrated = [finding for finding in findings if finding.calibration] if studied.study.calibration else []
    if calibrated:
        title = "true IoU over predicted IoU"
        svg = draw_lines(title, "predicted IoU", [_reliability(finding) for finding in calibrated], diagonal=True)
        yield Figure("calibration", "Mean true IoU of tesserae by their predicted IoU; on the dashed line both agree.", svg)
    trained = [finding for finding in findings if finding.training]
    if trained:
        title = "score on validation, by epoch"
        lines = [Line(finding.variant, _epochs(finding)) for finding in trained]
        caption = "Mean F1 less the count error on the validation parts after each epoch; 0 is the base."
        yield Figure("epochs", caption, draw_lines(title, "epoch", lines))


def _curves(studied: Studied) -> dict[str, list[int]]:
    """Places of the variants of each recipe that differ in the number of mosaics only; empty where none do."""
    places: dict[str, list[int]] = {}
    for number, variant in enumerate(studied.variants[: len(studied.findings)]):
        if variant.recipe is not None and variant.mosaics is not None:
            places.setdefault(variant.recipe.preset, []).append(number)
    counts = [[studied.variants[number].mosaics for number in numbers] for numbers in places.values()]
    return places if any(len(set(each)) == len(each) > 1 for each in counts) else {}


def _spots(studied: Studied, numbers: Sequence[int], figure: str) -> tuple[Spot, ...]:
    found = [(0, studied.findings[0]), *((studied.variants[number].mosaics or 0, studied.findings[number]) for number in numbers)]
    means = [(count, mean_interval(finding.values(figure))) for count, finding in found]
    return tuple(Spot(count, each.mean, each.low, each.high) for count, each in means)


def _reliability(finding: Finding) -> Line:
    bins = finding.calibration.bins if finding.calibration else ()
    return Line(f"{finding.variant} (error {_error_of(finding)})", tuple(Spot(each.predicted, each.true) for each in bins))


def _epochs(finding: Finding) -> tuple[Spot, ...]:
    return tuple(Spot(epoch, value) for epoch, value in enumerate(finding.training.goodness if finding.training else ()))


def _mosaics(findings: Sequence[Finding]) -> Table:
    rows = []
    for mosaic in findings[0].figures:
        for finding in findings:
            figures = finding.figures[mosaic]
            cells = [_share(float(getattr(figures, name)), signed=name in SIGNED) for name in FIGURES]
            rows.append((mosaic, finding.variant, f"{figures.true_count:.0f}", f"{figures.found_count:.0f}", *cells))
    return Table(("mosaic", "variant", "true", "found", *FIGURES.values()), tuple(rows))


def _trainings(findings: Sequence[Finding]) -> Table:
    rows = []
    for finding in findings:
        if (training := finding.training) is not None:
            epoch_s = _DASH if math.isnan(training.usual_epoch_s) else f"{training.usual_epoch_s:.0f}"
            kept = f"{training.best_epoch} of {len(training.epoch_s)}"
            row = (f"{training.mosaics}", f"{training.tesserae:,}", kept, epoch_s, f"{training.memory_mb:,.0f}")
            rows.append((finding.variant, *row))
    return Table(
        ("variant", "mosaics to learn from", "tesserae", "epoch kept", "seconds per epoch, with validation", "memory, MB"), tuple(rows)
    )


def _told(findings: Sequence[Finding]) -> Iterator[Paragraph]:
    """The records in words, and how the mosaics of each variant were split where that was said."""
    for finding in findings:
        if finding.training is not None:
            yield Paragraph(" ".join([f"{finding.variant}: {finding.training.sentence}", *finding.training.notes]))


def _method(studied: Studied) -> Iterator[Paragraph]:
    yield Paragraph(" ".join(studied.notes))
    yield Paragraph(
        "Every tessera was found by the model itself, no point of the truth was given. Precision and recall are of pixels, tessera against "
        "mortar; F per tile is that of Fenu et al. 2015; the count error is signed, more than 0 is too many."
    )
    yield Paragraph(", ".join(f"{name} {value}" for name, value in studied.facts.items()) + ".")


def _error_of(finding: Finding) -> str:
    return _DASH if finding.calibration is None else f"{100 * finding.calibration.error:.1f} %"


def _with_range(interval: Interval, *, signed: bool) -> str:
    if math.isnan(interval.low):
        return _share(interval.mean, signed=signed)
    low, high = (_number(value, signed=signed) for value in (interval.low, interval.high))
    return f"{_number(interval.mean, signed=signed)} [{low}, {high}]"


def _share(value: float, *, signed: bool) -> str:
    return _DASH if math.isnan(value) else _number(value, signed=signed)


def _number(value: float, *, signed: bool) -> str:
    """In per cent or points; no zero has a minus."""
    rounded = round(100 * value, 1) + 0.0
    return f"{rounded:+.1f}" if signed else f"{rounded:.1f}"
