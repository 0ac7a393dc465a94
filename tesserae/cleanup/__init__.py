"""Clean-ups with one click: from a label map to a group of corrections, made and undone as one; None where there is nothing to do.

None looks at the photo or at the model's scores, so that they work on maps of any origin. `CorrectedMap.apply` on a copy previews one; how
much each helps is measured by `python -m benchmarks cleanup`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tesserae.cleanup.fragments import merge_fragments
from tesserae.cleanup.fused import separate_fused
from tesserae.cleanup.outlines import fill_holes, smooth_outlines
from tesserae.cleanup.slivers import remove_slivers
from tesserae.cleanup.trying import Labels, Unreadable
from tesserae.corrections.operations import Several
from tesserae.corrections.replay import CorrectedMap

__all__ = [
    "CLEANUPS",
    "Cleanup",
    "clean_up",
    "count_change",
    "fill_holes",
    "merge_fragments",
    "remove_slivers",
    "separate_fused",
    "smooth_outlines",
]


@dataclass(frozen=True)
class Cleanup:
    """One clean-up.

    Attributes:
        title: as on its button.
        sentence: what it does, for staff.
        propose: from a label map int32 (H, W), and its unreadable pixels bool (H, W) or None, to corrections or None.
    """

    title: str
    sentence: str
    propose: Callable[[Labels, Unreadable], Several | None]


CLEANUPS: Mapping[str, Cleanup] = {
    "fragments": Cleanup(
        "Merge fragments",
        "Makes one tessera of two where the joint between them is far narrower than the others and both have the form of one stone.",
        merge_fragments,
    ),
    "fused": Cleanup(
        "Separate fused tesserae",
        "Splits tesserae that hang together by a narrow bridge only.",
        separate_fused,
    ),
    "slivers": Cleanup(
        "Remove slivers and doubles",
        "Deletes what is too small or too thin for a tessera, and joins pieces that lie inside a tessera to it.",
        remove_slivers,
    ),
    "holes": Cleanup(
        "Fill holes",
        "Gives mortar that a tessera encloses to that tessera.",
        fill_holes,
    ),
    "smooth": Cleanup(
        "Smooth outlines",
        "Takes notches and teeth off frayed outlines; tesserae keep their size.",
        smooth_outlines,
    ),
}


def count_change(labels: Labels, corrections: Several, ignored: Unreadable = None) -> int:
    """How many tesserae more there would be; negative for fewer. Raises CorrectionError when the corrections do not fit the map."""
    return CorrectedMap.of(labels, ignored).apply(corrections).count_change


def clean_up(labels: Labels, names: Iterable[str] = tuple(CLEANUPS)) -> tuple[Labels, int]:
    """Return the label map (H, W) after clean-ups, one after the other, and how many corrections it took."""
    corrected, made = CorrectedMap.of(labels), 0
    for name in names:
        proposed = CLEANUPS[name].propose(corrected.labels, None)
        if proposed is not None:
            corrected.apply(proposed)
            made += len(proposed.corrections)
    return corrected.labels, made
