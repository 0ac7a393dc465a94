"""The review queue: where to look first, and what could be done there. Changes nothing.

One suggestion for one place: all reasons about a tessera stand together, and a gap in which another result has a tessera is one place too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.cleanup.fragments import LEAST_NARROWING
from tesserae.cleanup.fused import is_fused
from tesserae.cleanup.slivers import is_sliver
from tesserae.corrections.operations import BoxXYXY, Correction, Delete, Merge, Split
from tesserae.labelmap import check_label_map
from tesserae.review.cues import Kind, combined
from tesserae.review.disagreement import Dissent, find_dissents
from tesserae.review.evidence import Evidence, gather_evidence
from tesserae.review.gaps import Gaps
from tesserae.review.reasons import Reason, doubts_of_gaps, doubts_of_tesserae, reasons_about, say_gap

LEAST_SCORE = 0.25
_LOSS_SIZE = 4.0  # tesserae from which on a gap holds more than one place


@dataclass(frozen=True)
class Suggestion:
    """A place to look at.

    Attributes:
        labels: the tesserae that are doubted, ascending; empty for a gap.
        box_xyxy: around them, or around the gap; pixels, half open.
        score: 0..1, how likely something there is wrong.
        reasons: at least one, the strongest first.
        fix: what would put it right, where that is clear.
    """

    labels: tuple[int, ...]
    box_xyxy: BoxXYXY
    score: float
    reasons: tuple[Reason, ...]
    fix: Correction | None = None

    @property
    def kind(self) -> Kind:
        """That of the strongest reason."""
        return self.reasons[0].kind

    @property
    def place(self) -> str:
        """A text that another place does not have: another one once a tessera there has changed its box."""
        return " ".join(map(str, (*self.labels, "at", *self.box_xyxy)))

    @property
    def sentence(self) -> str:
        """All reasons."""
        return " ".join(reason.sentence for reason in self.reasons)


def suggest(
    labels: NDArray[np.int32],
    predicted_iou: Mapping[int, float] | None = None,
    stability: Mapping[int, float] | None = None,
    *,
    ignored: NDArray[np.bool_] | None = None,
    other_labels: NDArray[np.int32] | None = None,
    least_score: float = LEAST_SCORE,
) -> list[Suggestion]:
    """Suggest where to look first in a label map int32 (H, W), the likeliest mistake first.

    Args:
        labels: the label map.
        predicted_iou, stability: the model's own figures per label; labels drawn by hand have none.
        ignored: bool (H, W), unreadable pixels.
        other_labels: a second opinion, another label map of the same photo.
        least_score: less likely mistakes are left out; 0 gives every place about which there is anything to say.

    Raises LabelMapError when a label map is none, or the two differ in size.
    """
    labels = check_label_map(labels)
    evidence = gather_evidence(labels, predicted_iou or {}, stability or {}, ignored)
    dissents = [] if other_labels is None else find_dissents(labels, other_labels)
    found = [*_about_tesserae(evidence, dissents, least_score), *_about_mortar(evidence.gaps, dissents)]
    likely = [each for each in found if each.score >= least_score]
    return sorted(likely, key=lambda each: (-each.score, each.box_xyxy[1], each.box_xyxy[0]))


def _about_tesserae(evidence: Evidence, dissents: Sequence[Dissent], least_score: float) -> Iterator[Suggestion]:
    """A suggestion for each tessera that is doubted by at least `least_score`; a dissent about several stands at the first of them."""
    forms, fragments = evidence.forms, evidence.fragments
    by_row = {int(np.searchsorted(forms.labels, each.labels[0])): each for each in dissents if each.labels}
    doubts = doubts_of_tesserae(evidence) | {"models disagree": _doubts_of(by_row, len(forms))}
    scores, fixes = combined(doubts), _fixes(evidence)
    holders = dict(zip(fragments.rows.tolist(), forms.labels[fragments.holders].tolist(), strict=True))
    for row in np.flatnonzero((scores > 0) & (scores >= least_score)).tolist():
        dissent = by_row.get(row)
        labels = {int(forms.labels[row]), *([holders[row]] if row in holders else []), *(dissent.labels if dissent else ())}
        reasons = reasons_about(row, evidence, doubts, dissent)
        rows = np.searchsorted(forms.labels, sorted(labels))
        fix = fixes.get(row) or (dissent.fix if dissent else None)
        yield Suggestion(tuple(sorted(labels)), _box_around(forms.boxes_xyxy[rows]), float(scores[row]), reasons, fix)


def _doubts_of(dissents: Mapping[int, Dissent], count: int) -> NDArray[np.float64]:
    doubts = np.zeros(count)
    doubts[list(dissents)] = [each.doubt for each in dissents.values()]
    return doubts


def _fixes(evidence: Evidence) -> dict[int, Correction]:
    """What would put a tessera right, by row, where a clean-up would do the same."""
    numbers, fragments = evidence.forms.labels.tolist(), evidence.fragments
    fixes: dict[int, Correction] = {row: Delete(labels=(numbers[row],)) for row in _rows(is_sliver(evidence.forms, evidence.surroundings))}
    fixes |= {row: Split(label=numbers[row]) for row in _rows(is_fused(evidence.forms, evidence.surroundings))}
    clear = fragments.narrowings >= LEAST_NARROWING
    for row, holder in zip(fragments.rows[clear].tolist(), fragments.holders[clear].tolist(), strict=True):
        fixes[row] = Merge(labels=(min(numbers[row], numbers[holder]), max(numbers[row], numbers[holder])))
    return fixes


def _about_mortar(gaps: Gaps, dissents: Sequence[Dissent]) -> Iterator[Suggestion]:
    """A suggestion for each gap, together with a dissent that lies in it, and for each other dissent about mortar."""
    dissent_in: dict[int, Dissent] = {}
    for dissent in (each for each in dissents if not each.labels):
        gap = _gap_at(gaps, dissent.box_xyxy)
        if gap is None or gap in dissent_in:
            yield _of_mortar(dissent.box_xyxy, (), dissent)
        else:
            dissent_in[gap] = dissent
    for gap, (doubt, size, box) in enumerate(zip(doubts_of_gaps(gaps).tolist(), gaps.sizes.tolist(), gaps.boxes_xyxy, strict=True)):
        if doubt > 0 or gap in dissent_in:
            yield _of_mortar(_box_around(box[None]), (Reason("gap", doubt, say_gap(size)),), dissent_in.get(gap))


def _gap_at(gaps: Gaps, box: BoxXYXY) -> int | None:
    """The gap that holds the middle of a box, unless it is so large that it is more than one place."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    x0, y0, x1, y1 = gaps.boxes_xyxy.T
    held = np.flatnonzero((x0 <= x) & (x < x1) & (y0 <= y) & (y < y1) & (gaps.sizes < _LOSS_SIZE))
    return int(held[0]) if held.size else None


def _of_mortar(box: BoxXYXY, reasons: tuple[Reason, ...], dissent: Dissent | None) -> Suggestion:
    if dissent is not None:
        reasons = (*reasons, Reason("models disagree", dissent.doubt, dissent.sentence))
    score = 1.0 - float(np.prod([1.0 - reason.doubt for reason in reasons]))
    strongest_first = tuple(sorted(reasons, key=lambda reason: -reason.doubt))
    return Suggestion((), box, score, strongest_first, dissent.fix if dissent is not None else None)


def _rows(wanted: NDArray[np.bool_]) -> list[int]:
    return [int(row) for row in np.flatnonzero(wanted)]


def _box_around(boxes: NDArray[np.int64]) -> BoxXYXY:
    """The smallest box around boxes (N, 4)."""
    (x0, y0), (x1, y1) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
    return x0, y0, x1, y1
