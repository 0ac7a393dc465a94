"""From maps to seeds and first outlines on literal pictures; the head's shapes, and that it looks at places, not at pictures."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from tesserae.finder import (
    FRAGMENT_SHARE,
    MIN_AREA_PX,
    PEAK_ABOVE,
    SIDE_UNIT_PX,
    FinderHead,
    FinderMaps,
    find_peaks,
    outline_tesserae,
    typical_log_side,
)


def maps_of(distance, interior=None):
    distance = np.asarray(distance, np.float32)
    interior = (distance > 0) if interior is None else np.asarray(interior)
    return FinderMaps(interior.astype(np.float32), distance, np.full_like(distance, np.log2(8 / SIDE_UNIT_PX)))  # stones of 8 pixels a side


def ideal_maps(labels):
    """Maps as a perfect finder would give them for a label map of connected tesserae; touching ones have no joint between them."""
    distance = np.zeros(labels.shape, np.float32)
    for label in range(1, labels.max() + 1):
        own = ndimage.distance_transform_edt(np.pad(labels == label, 1))[1:-1, 1:-1]
        distance += (own / max(own.max(), 1)).astype(np.float32)
    return maps_of(distance, labels > 0)


def two_touching_stones():
    labels = np.zeros((14, 24), np.int32)
    labels[2:12, 2:12] = 1
    labels[2:12, 12:22] = 2
    return labels


@pytest.mark.parametrize(
    ("large", "small", "expected"),
    [(1, 1, -1.0), (3, 8, -1.0), (2, 1, 0.0), (1, 0, 0.0)],
    ids=["equal numbers", "most are small", "most are large", "one size"],
)
def test_every_tessera_has_one_vote_for_the_size(large, small, expected):
    """Stones of 8 x 8 and 4 x 4 pixels: a large one covers four times the ground of a small one."""
    log_side = np.repeat(np.asarray([0.0, -1.0], np.float32), [large * 64, small * 16])[None]
    maps = FinderMaps(np.ones_like(log_side), np.zeros_like(log_side), log_side)
    assert typical_log_side(maps, np.ones(log_side.shape, bool)) == expected


@pytest.mark.parametrize(("expected_px", "kept"), [(10.0, 2), (18.0, 2), (22.0, 1), (45.0, 0)])
def test_a_piece_far_below_the_expected_area_is_a_fragment(expected_px, kept):
    """Stones of 20 x 20 and 10 x 10 pixels, where the finder expects stones of `expected_px` a side."""
    assert FRAGMENT_SHARE == 0.25
    labels = np.zeros((24, 40), np.int32)
    labels[2:22, 2:22] = 1
    labels[7:17, 26:36] = 2
    maps = ideal_maps(labels)
    log_side = np.full_like(maps.log_side, np.log2(expected_px / SIDE_UNIT_PX))
    outlines = outline_tesserae(FinderMaps(maps.interior, maps.distance, log_side))
    assert len(np.unique(outlines)) - 1 == kept


@pytest.mark.parametrize(("left", "kept"), [(0, 1), (2, 0)], ids=["at the edge", "inside"])
def test_what_the_pictures_edge_cuts_is_no_fragment(left, kept):
    """A piece of 4 x 12 pixels, where the finder expects stones of 24 a side."""
    labels = np.zeros((24, 40), np.int32)
    labels[6:18, left : left + 4] = 1
    maps = ideal_maps(labels)
    expected = FinderMaps(maps.interior, maps.distance, np.zeros_like(maps.log_side))
    assert len(np.unique(outline_tesserae(expected))) - 1 == kept


def test_only_the_pixels_asked_for_vote():
    maps = FinderMaps(np.ones((1, 4), np.float32), np.zeros((1, 4), np.float32), np.asarray([[0.0, 0.0, 2.0, 2.0]], np.float32))
    assert typical_log_side(maps, np.asarray([[False, False, True, True]])) == 2.0


def test_peaks_are_numbered_islands_inside_the_interior():
    distance = [
        [0.0, 0.6, 0.9, 0.0, 0.7],
        [0.0, 0.4, 0.5, 0.0, 0.3],
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.9, 0.0, 0.5, 0.5, 0.2],
    ]
    interior = np.asarray(distance) > 0
    interior[3, 0] = False  # a peak on mortar is none
    peaks = find_peaks(maps_of(distance, interior))
    assert peaks.dtype == np.int32
    assert peaks.tolist() == [[0, 1, 1, 0, 2], [0, 0, 1, 0, 0], [0] * 5, [0, 0, 3, 3, 0]]


@pytest.mark.parametrize(
    ("height", "seeds"),
    [(PEAK_ABOVE + 0.01, 1), (PEAK_ABOVE - 0.01, 0)],
    ids=["high enough", "too low"],
)
def test_a_lone_peak_counts_above_the_limit(height, seeds):
    distance = np.zeros((9, 9))
    distance[2:7, 2:7] = height
    assert find_peaks(maps_of(distance)).max(initial=0) == seeds
    assert len(np.unique(outline_tesserae(maps_of(distance)))) == 1 + seeds


def test_two_touching_stones_are_separated():
    labels = two_touching_stones()
    outlines = outline_tesserae(ideal_maps(labels))
    assert outlines.dtype == np.int32
    assert set(np.unique(outlines)) == {0, 1, 2}
    assert np.array_equal(outlines > 0, labels > 0)
    assert (outlines == labels).mean() > 0.97


def test_a_weak_stone_beside_a_strong_one_is_kept():
    labels = two_touching_stones()
    maps = ideal_maps(labels)
    faded = np.where(labels == 2, 0.5 * maps.distance, maps.distance)
    outlines = outline_tesserae(FinderMaps(maps.interior, faded, maps.log_side))
    first, second = outlines[7, 6], outlines[7, 17]
    assert first > 0
    assert second > 0
    assert first != second


@pytest.mark.parametrize(("width", "kept"), [(5, True), (4, True), (3, False)], ids=["25", "exactly 20", "15"])
def test_specks_are_dropped_and_nothing_else(width, kept):
    distance = np.zeros((14, 30))
    distance[2:12, 2:12] = 0.9
    distance[4:9, 20 : 20 + width] = 0.9
    assert (5 * width >= MIN_AREA_PX) is kept
    outlines = outline_tesserae(maps_of(distance))
    assert (outlines[4:9, 20 : 20 + width] > 0).all() == kept
    assert np.count_nonzero(outlines) == 100 + (5 * width if kept else 0)


def test_ground_without_a_peak_stays_mortar():
    labels = two_touching_stones()
    assert not outline_tesserae(maps_of(np.zeros(labels.shape), labels > 0)).any()
    assert not outline_tesserae(maps_of(np.ones(labels.shape), np.zeros(labels.shape))).any()


# the head


@pytest.fixture(scope="module")
def head():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = FinderHead(16, 8).eval()
        for parameter in head.parameters():
            if parameter.ndim == 1:
                torch.nn.init.normal_(parameter)
    return head


def picture_and_levels(height, width, seed=1):
    numbers = torch.Generator().manual_seed(seed)
    levels = [torch.randn(1, 16, height // step, width // step, generator=numbers) for step in (4, 8, 16)]
    return torch.randn(1, 3, height, width, generator=numbers), levels


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 160)], ids=["square", "oblong"])
def test_the_head_gives_two_full_maps_and_a_coarse_one(head, height, width):
    full, log_side = head(*picture_and_levels(height, width))
    assert full.shape == (1, 2, height, width)
    assert log_side.shape == (1, 1, height // 16, width // 16)


def test_the_default_head_fits_the_embedded_model():
    with torch.random.fork_rng(devices=[]):
        head = FinderHead()
    full, log_side = head(torch.zeros(2, 3, 32, 32), [torch.zeros(2, 128, 32 // step, 32 // step) for step in (4, 8, 16)])
    assert full.shape == (2, 2, 32, 32)
    assert log_side.shape == (2, 1, 2, 2)


def test_what_the_head_says_of_a_place_does_not_depend_on_far_ground(head):
    """The right half changes altogether; the left answers bit for bit the same beyond the reach of the convolutions."""
    picture, levels = picture_and_levels(64, 384)
    other_picture, other_levels = picture.clone(), [level.clone() for level in levels]
    other_picture[..., 192:] = 50.0
    for level in other_levels:
        level[..., level.shape[-1] // 2 :] = 50.0
    with torch.inference_mode():
        full, log_side = head(picture, levels)
        other_full, other_log_side = head(other_picture, other_levels)
    reach_px = 64
    assert torch.allclose(full[..., : 192 - reach_px], other_full[..., : 192 - reach_px], atol=1e-6)
    assert torch.allclose(log_side[..., : (192 - reach_px) // 16], other_log_side[..., : (192 - reach_px) // 16], atol=1e-6)
    assert not torch.allclose(full[..., 192:], other_full[..., 192:], atol=1e-2)


def test_a_shifted_picture_gives_shifted_maps(head):
    picture, levels = picture_and_levels(64, 256)
    with torch.inference_mode():
        full, _ = head(picture, levels)
        shifted, _ = head(picture.roll(64, -1), [level.roll(level.shape[-1] // 4, -1) for level in levels])
    assert torch.allclose(full[..., 64:128], shifted[..., 128:192], atol=1e-5)
