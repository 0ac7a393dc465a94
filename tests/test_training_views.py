"""Looks at a ground: where they are, what they show, and that the truth goes with the picture."""

import numpy as np
import pytest

from tesserae.dataset import Ground
from tesserae.pretraining.prompts import UNKNOWN
from tesserae.training.views import View, look_at, plan_views


def checkerboard(rows=6, columns=8, side=10, gap=2):
    """Stones of `side` px in steps of `side + gap`, each of a grey of its own."""
    labels = np.zeros((rows * (side + gap), columns * (side + gap)), np.int32)
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        y, x = row * (side + gap) + 1, column * (side + gap) + 1
        labels[y : y + side, x : x + side] = number + 1
    image = np.where(labels > 0, 60 + 3 * labels, 20).astype(np.uint8)
    return Ground(np.repeat(image[..., None], 3, 2), labels, np.ones(labels.shape, bool))


GROUND = checkerboard()


def same_stones(a, b):
    """Whether two truths part the pixels alike, whatever the numbers."""
    return len(np.unique(np.stack([a.ravel(), b.ravel()], 1), axis=0)) == len(np.unique(a)) == len(np.unique(b))


def test_a_plain_view_at_scale_1_is_a_crop():
    picture = look_at(GROUND, View((23.5, 23.5), 1.0), 24)
    assert np.array_equal(picture.image, GROUND.image[12:36, 12:36])
    assert same_stones(picture.truth, GROUND.labels[12:36, 12:36])


@pytest.mark.parametrize(
    ("angle_deg", "mirrored", "turned"),
    [(90.0, False, lambda a: np.rot90(a, 1)), (180.0, False, lambda a: np.rot90(a, 2)), (0.0, True, lambda a: a[:, ::-1])],
    ids=["a quarter", "a half", "mirrored"],
)
def test_quarter_turns_move_pixels_and_change_none(angle_deg, mirrored, turned):
    picture = look_at(GROUND, View((23.5, 23.5), 1.0, angle_deg, mirrored), 24)
    assert np.array_equal(picture.image, turned(GROUND.image[12:36, 12:36]))
    assert same_stones(picture.truth, turned(GROUND.labels[12:36, 12:36]))


def test_a_turned_and_enlarged_picture_keeps_the_grey_of_each_stone():
    picture = look_at(GROUND, View((47.5, 35.5), 2.0, 30.0), 64)
    inner = [np.median(picture.image[picture.truth == number]) for number in np.unique(picture.truth[picture.truth > 0])]
    greys = {60 + 3 * number for number in range(1, 49)}
    assert {min(greys, key=lambda grey: abs(grey - each)) - each for each in inner} <= {0.0, 1.0, -1.0}


def test_what_nobody_knows_stays_unknown_and_the_edge_is_mirrored_with_its_truth():
    known = np.ones(GROUND.labels.shape, bool)
    known[:, 48:] = False
    ground = Ground(GROUND.image, np.where(known, GROUND.labels, 0), known)
    picture = look_at(ground, View((47.5, 3.5), 1.0), 32)
    assert (picture.truth[:, 16:] == UNKNOWN).all()
    assert (picture.truth[:, :16] >= 0).all()
    assert np.array_equal(picture.image[:12], picture.image[12:24][::-1])  # the first row of the ground is the view's thirteenth
    assert np.array_equal(picture.truth[:12] > 0, picture.truth[12:24][::-1] > 0)


def test_another_look_changes_the_colours_and_not_the_truth():
    plain, other = (look_at(GROUND, View((47.5, 35.5), 1.0, look=look), 64) for look in (None, 5))
    assert not np.array_equal(plain.image, other.image)
    assert np.array_equal(plain.truth, other.truth)


def test_quarter_views_of_a_tile_are_six_and_others_depend_on_their_generator():
    quarter = plan_views(GROUND, 1.0, 96, 6, "quarter", np.random.default_rng(0))
    assert [(view.angle_deg, view.mirrored, view.look) for view in quarter[0]] == [
        (0.0, False, None), (90.0, False, None), (180.0, False, None), (270.0, False, None), (0.0, True, None), (180.0, True, None),
    ]  # fmt: skip
    one, same, other = (plan_views(GROUND, 1.0, 96, 4, "any", np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert one[0][0] == View((47.5, 35.5), 1.0)
    assert all(0.8 <= view.scale <= 1.25 and view.look is not None for view in one[0][1:])


def test_tiles_without_tesserae_are_not_looked_at():
    labels = np.where(np.indices(GROUND.labels.shape)[1] < 40, GROUND.labels, 0)
    views = plan_views(Ground(GROUND.image, labels, GROUND.known), 1.0, 32, 1, "quarter", np.random.default_rng(0))
    assert views
    assert max(view.centre_xy[0] for (view,) in views) < 60
