"""Tells photos that show the same: saved again, at another size, brighter, turned, mirrored, or with up to a tenth cut off each side.

Looks are the signs of the lowest frequencies (DCT-II) of the grey photo, made small, and of the same with strips cut off its sides. A turn
or mirroring only exchanges or inverts signs, so that all eight positions of a photo are compared with one set of them. Two photos show the
same when one of them, in some position, differs from the other one, or from a part of it, in few signs: `MOST_DIFFERENT`.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

MOST_DIFFERENT = 0.2
"""Of the signs. Measured on real and synthetic mosaics; see docs/decisions.md, 2026-11-26."""

_SIDE = 10  # frequencies along each side
_CUTS = (0.0, 0.05, 0.1)  # of the photo, off each of its four sides
_WORK_PX, _SMALL_PX = 256, 64
_PARTS, _SIGNS = len(_CUTS) ** 4, _SIDE**2 - 1  # the first frequency, the brightness, is left out


def looks_of(image: NDArray[np.uint8]) -> str:
    """Return the looks of an image (H, W, 3) as text, hexadecimal; the whole image first, then what is left when strips are cut off."""
    grey = np.asarray(cv2.cvtColor(_shrunk(image, _WORK_PX), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    signs = np.stack([_signs(part) for part in _parts(grey)])
    return np.packbits(signs.reshape(len(signs), -1)[:, 1:]).tobytes().hex()


def group_alike(looks: Mapping[str, str]) -> list[list[str]]:
    """Return ids in groups: photos that show the same, also by way of a third one, are in one.

    Groups, and ids within them, are in the order of `looks`.
    """
    ids, groups = list(looks), _group(tuple(looks.values()))
    members = [np.flatnonzero(np.equal(groups, number)) for number in dict.fromkeys(groups)]
    return [[ids[index] for index in each] for each in members]


@lru_cache(maxsize=8)  # the page asks at every click
def _group(looks: tuple[str, ...]) -> tuple[int, ...]:
    """The number of the group of each photo."""
    if not looks:
        return ()
    group = np.arange(len(looks))
    for one, other in _alike_pairs(np.stack([_read(text) for text in looks])):
        group[group == max(group[one], group[other])] = min(group[one], group[other])
    return tuple(group.tolist())


def _shrunk(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _parts(grey: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The picture (h, w) and what is left when strips are cut off its sides."""
    for left, top, right, bottom in product([round(cut * _WORK_PX) for cut in _CUTS], repeat=4):
        yield _shrunk(grey[top : _WORK_PX - bottom, left : _WORK_PX - right], _SMALL_PX)


def _signs(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of the lowest frequencies of a picture (h, w) are positive; bool (`_SIDE`, `_SIDE`)."""
    return np.asarray(fft.dctn(grey.astype(np.float32), norm="ortho")[:_SIDE, :_SIDE] > 0)


def _read(text: str) -> NDArray[np.float32]:
    """Looks as numbers: 1 for a positive sign and -1 for any other one; float32 (`_PARTS`, `_SIGNS`)."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8), count=_PARTS * _SIGNS)
    return np.where(bits, np.float32(1), np.float32(-1)).reshape(_PARTS, _SIGNS)


def _alike_pairs(parts: NDArray[np.float32]) -> NDArray[np.intp]:
    """Pairs of photos that show the same, (M, 2), of their looks (N, `_PARTS`, `_SIGNS`)."""
    flat = parts.reshape(-1, _SIGNS).T
    most = np.stack([(_positions(each[0]) @ flat).max(axis=0).reshape(-1, _PARTS).max(axis=1) for each in parts])
    different = (_SIGNS - np.maximum(most, most.T)) / (2 * _SIGNS)
    return np.argwhere(np.triu(different <= MOST_DIFFERENT, 1))


def _positions(signs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Signs (`_SIGNS`,) of a photo as they are in each of its eight positions; (8, `_SIGNS`)."""
    square = np.concatenate([np.ones(1, dtype=np.float32), signs]).reshape(_SIDE, _SIDE)
    mirror = (1 - 2 * (np.arange(_SIDE) % 2)).astype(np.float32)  # odd frequencies change their sign
    ways = [each * across * down for each in (square, square.T) for across in (1, mirror) for down in (1, mirror[:, None])]
    return np.asarray(np.stack(ways).reshape(8, -1)[:, 1:], dtype=np.float32)
