"""Give every tessera of a label map one connected piece, as corrections expect it; knows nothing of files."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.errors import AnnotationError
from tesserae.importing.wording import count_of_tesserae, counted
from tesserae.labelmap import MAX_LABEL, check_label_map, tessera_slices

FRAGMENT_SHARE = 0.25
"""A further piece with less than this share of the largest one's area is a stray fragment, not a tessera."""


def separate_pieces(labels: NDArray[np.int32]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return a label map (H, W) whose tesserae hang together by sides of pixels (itself if they do), and notes on what was done.

    The largest piece keeps the tessera's number. A further piece becomes a tessera of its own, with a number above all others, or mortar
    where it has less than `FRAGMENT_SHARE` of the largest one's area.

    Raises AnnotationError when there is no number left.
    """
    labels = check_label_map(labels)
    out, divided, fragments_px = labels, 0, []
    first_added = next_label = int(labels.max()) + 1
    for box, pieces, area_px in _divided_tesserae(labels):
        out = labels.copy() if out is labels else out
        divided += 1
        main = 1 + int(area_px[1:].argmax())
        for piece in set(range(1, len(area_px))) - {main}:
            if area_px[piece] < FRAGMENT_SHARE * area_px[main]:
                out[box][pieces == piece] = 0
                fragments_px.append(int(area_px[piece]))
            else:
                out[box][pieces == piece] = _checked_number(next_label)
                next_label += 1
    return out, _notes(divided, range(first_added, next_label), fragments_px)


def _divided_tesserae(labels: NDArray[np.int32]) -> Iterator[tuple[tuple[slice, slice], NDArray[np.int32], NDArray[np.int32]]]:
    """Yield box, pieces numbered from 1, and their areas (index 0 is the rest of the box), of each tessera that has several."""
    for label, box in zip(*tessera_slices(labels), strict=True):
        mask = (labels[box] == label).astype(np.uint8)
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        if count > 2:
            yield box, np.asarray(pieces, dtype=np.int32), np.asarray(stats[:, cv2.CC_STAT_AREA], dtype=np.int32)


def _checked_number(label: int) -> int:
    if label > MAX_LABEL:
        raise AnnotationError(f"A tessera in several pieces needs new numbers, but {MAX_LABEL} is taken. Number the tesserae from 1.")
    return label


def _notes(divided: int, added: range, fragments_px: Sequence[int]) -> tuple[str, ...]:
    if not divided:
        return ()
    said = f"{count_of_tesserae(divided)} lay in several pieces; the largest piece of each kept its number."
    if added:
        pieces = counted(len(added), "other piece became a tessera of its own", "other pieces became tesserae of their own")
        said += f" {pieces}, from number {added.start} on."
    if fragments_px:
        said += f" {counted(len(fragments_px), 'fragment', 'fragments')} ({sum(fragments_px):,} px) became mortar."
    return (said,)
