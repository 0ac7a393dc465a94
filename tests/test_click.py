"""One stone from clicks: the record, what clicks alone say, where they are looked at, and the answer with the shipped weights."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tesserae.checkpoints import find_checkpoint
from tesserae.click.clicks import Clicks
from tesserae.click.guess import disc, draw_clicks, part_at, rounded_box
from tesserae.click.session import ClickSession
from tesserae.click.view import ask_with_guess, ask_with_points, outline_tiles, outline_under, view_of_clicks
from tesserae.corrections.operations import Add
from tesserae.errors import CorrectionError
from tesserae.labelmap import interior_points
from tesserae.models import load_models
from tesserae.predictor import Predictor
from tesserae.segment import SegmentOptions, segment_photo
from tesserae.settings import PROJECT_DIR
from tesserae.synthetic import render_mosaic
from tesserae.tilecache import PhotoMemory, TileCache

SIDE_PX = 26.0
ROOM = 10**9


@pytest.fixture(scope="module")
def models():
    return load_models(find_checkpoint("tesserae_mini", PROJECT_DIR / "weights", ""), "cpu")


@pytest.fixture(scope="module")
def mosaic():
    return render_mosaic(seed=24, size_px=200, side_px=SIDE_PX)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return TileCache(tmp_path_factory.mktemp("cache"), ROOM)


@pytest.fixture(scope="module")
def shared_memory(cache, models, mosaic):
    """What a run left behind."""
    memory = PhotoMemory(cache, "photo")
    segment_photo(mosaic.image, models.checkpoint, SegmentOptions(tessera_px=SIDE_PX), device="cpu", memory=memory)
    return memory


@pytest.fixture(scope="module")
def session(models):
    return ClickSession(models)


@pytest.fixture
def encoder(monkeypatch):
    """Counts the pictures that are embedded, and lets them through."""
    counted, embed = SimpleNamespace(pictures=0), Predictor.embed

    def count(predictor, picture):
        counted.pictures += 1
        return embed(predictor, picture)

    monkeypatch.setattr(Predictor, "embed", count)
    return counted


def with_record(models, **record):
    return replace(models, checkpoint=replace(models.checkpoint, record=record))


def stone(mosaic):
    """The stone that is widest, whole: its mask and its deepest point as a click."""
    found = interior_points(mosaic.labels)
    widest = int(found.radius_px.argmax())
    x, y = found.points_xy[widest]
    return mosaic.labels == found.labels[widest], (float(x) + 0.5, float(y) + 0.5)


def on_photo(mask, shape):
    whole = np.zeros(shape, bool)
    x0, y0, x1, y1 = mask.box_xyxy
    whole[y0:y1, x0:x1] = mask.to_array()
    return whole


def iou(first, second):
    return (first & second).sum() / (first | second).sum()


def box_of(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


# --- the record ---


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param({}, "Click inside the stone first", id="nothing"),
        pytest.param({"points_xy": ((1, 2),), "point_labels": (0,)}, "Click inside the stone first", id="outside-only"),
        pytest.param({"points_xy": ((1, 2),), "point_labels": ()}, "1 clicks and 0 labels", id="without-labels"),
        pytest.param({"points_xy": ((1, 2),), "point_labels": (2,)}, "found \\(2,\\)", id="other-label"),
        pytest.param({"points_xy": ((1, float("nan")),), "point_labels": (1,)}, "are numbers", id="nan"),
        pytest.param({"box_xyxy": (0, 0, float("inf"), 3)}, "are numbers", id="endless-box"),
        pytest.param({"box_xyxy": (4, 4, 2, 9)}, "less than a pixel", id="backward-box"),
        pytest.param({"box_xyxy": (4, 4, 4.5, 9)}, "less than a pixel", id="thin-box"),
    ],
)
def test_clicks_that_ask_for_no_stone_are_refused(words, sentence):
    with pytest.raises(CorrectionError, match=sentence):
        Clicks(**words)


@pytest.mark.parametrize(
    ("clicks", "anchor", "side"),
    [
        pytest.param(Clicks(((9, 9), (3, 4), (5, 6)), (0, 1, 1), (0, 0, 8, 2)), (3, 4), 4, id="first-inside"),
        pytest.param(Clicks(((9, 9),), (0,), (2, 2, 6, 11)), (4, 6.5), 6, id="middle-of-the-box"),
        pytest.param(Clicks(((3, 4),), (1,)), (3, 4), float("nan"), id="without-a-box"),
    ],
)
def test_where_the_stone_is(clicks, anchor, side):
    assert clicks.anchor_xy == anchor
    assert clicks.box_side_px == pytest.approx(side, nan_ok=True)


def test_clicks_go_into_the_record_of_a_correction():
    clicks = Clicks(((1.5, 2.5),), (1,), (0.0, 1.0, 2.0, 3.0))
    words = json.loads(json.dumps(clicks.as_dict()))
    assert words == {"points_xy": [[1.5, 2.5]], "point_labels": [1], "box_xyxy": [0.0, 1.0, 2.0, 3.0]}
    assert Clicks(((1.5, 2.5),), (1,)).as_dict()["box_xyxy"] is None


# --- what clicks alone say ---


def test_a_stone_in_a_box_is_smaller_and_has_round_corners():
    mask = rounded_box((12, 14), np.array([2.0, 1.0, 12.0, 11.0]))
    assert (mask[2, 3], mask[2, 2], mask[1].any()) == (True, False, False)
    assert mask[2:10, 6].all()
    assert not mask[0].any()
    assert not mask[:, 12:].any()
    assert (mask == mask[::-1]).all()


def test_a_disc_has_four_fifths_of_the_side():
    mask = disc((11, 11), np.array([5.0, 5.0]), 10.0)
    assert mask[5].tolist() == [False] + [True] * 9 + [False]
    assert mask.sum() == 49


def test_a_second_point_is_joined_to_the_first():
    mask = disc((11, 31), np.array([5.0, 5.0]), 10.0)
    drawn = draw_clicks(mask, np.array([[5.0, 5.0], [25.0, 5.0]]), np.array([True, True]), 10.0)
    assert drawn[5, 5:26].all()
    assert (drawn >= mask).all()
    assert not drawn[9, 15]


def test_a_point_outside_takes_a_spot_away():
    mask = np.ones((11, 31), bool)
    drawn = draw_clicks(mask, np.array([[5.0, 5.0], [25.0, 5.0]]), np.array([True, False]), 20.0)
    assert not drawn[5, 22:29].any()
    assert drawn[5, :21].all()
    assert mask.all()


point = st.tuples(st.integers(0, 29), st.integers(0, 19))


@settings(deadline=None)
@given(st.lists(point, min_size=1, max_size=4, unique=True), st.lists(point, max_size=4, unique=True))
def test_points_inside_stay_inside(inside, outside):
    outside = [each for each in outside if each not in inside]
    points = np.array([*inside, *outside], float)
    drawn = draw_clicks(np.ones((20, 30), bool), points, np.arange(len(points)) < len(inside), 16.0)
    assert all(drawn[y, x] for x, y in inside)
    assert not any(drawn[y, x] for x, y in outside)


RING = np.array(
    [
        [0, 1, 1, 1, 0, 0, 1],
        [0, 1, 0, 1, 0, 0, 1],
        [0, 1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 0, 0],
    ],
    bool,
)


@pytest.mark.parametrize(
    ("point_xy", "reach_px", "area"),
    [
        pytest.param((1, 1), 0, 9, id="on-the-ring"),
        pytest.param((6.4, -0.4), 0, 2, id="other-part"),
        pytest.param((4, 3), 0, 1, id="touching-by-a-corner"),
        pytest.param((2, 1), 0, None, id="in-the-hole"),
        pytest.param((2, 1), 1, 9, id="in-the-hole-near"),
        pytest.param((5, 3), 0, None, id="beside"),
        pytest.param((5, 3), 1, 1, id="beside-near"),
    ],
)
def test_the_part_at_a_point(point_xy, reach_px, area):
    part = part_at(RING, np.array(point_xy, float), reach_px)
    assert (None if part is None else part.sum()) == area


def test_nothing_has_no_parts():
    assert part_at(np.zeros((4, 4), bool), np.array([1.0, 1.0]), 100.0) is None


# --- where clicks are looked at ---


@pytest.mark.parametrize(
    ("box_side_px", "side_px", "planned_px"),
    [(None, 20, 20), (35, 20, 20), (41, 20, 40), (81, 20, 80), (11, 20, 20), (9, 20, 10), (30, float("nan"), 30)],
    ids=["point", "usual", "twice", "four times", "nearly half", "below half", "unknown side"],
)
def test_a_box_of_another_size_is_seen_at_a_scale_of_its_own(models, box_side_px, side_px, planned_px):
    clicks = Clicks(((50.0, 60.0),), (1,), None if box_side_px is None else (10, 10, 10 + box_side_px, 10 + box_side_px))
    assert view_of_clicks(clicks, (300, 400), models, side_px).side_px == pytest.approx(planned_px)


def test_a_place_without_known_side_is_seen_as_it_is(models):
    assert view_of_clicks(Clicks(((50.0, 60.0),), (1,)), (300, 400), models, float("nan")).tile.scale == 1.0


@pytest.mark.parametrize("place", [(0.0, 0.0), (1999.9, 1499.9), (1000.2, 700.7)], ids=["first pixel", "last pixel", "between"])
def test_a_view_is_the_ground_around_a_click_in_its_tile(models, place):
    shape, side_px = (1500, 2000), 25.0
    view = view_of_clicks(Clicks((place, (900.0, 600.0)), (1, 0)), shape, models, side_px)
    x0, y0, x1, y1 = view.tile.photo_box(shape)
    assert (x0 <= view.box_xyxy[0]) & (y0 <= view.box_xyxy[1]) & (view.box_xyxy[2] <= x1) & (view.box_xyxy[3] <= y1)
    assert (view.anchor_xy + view.origin_xy + 0.5).tolist() == pytest.approx(place)
    assert view.tile.holds(view.to_tile(view.anchor_xy[None]))[0]
    row, column = np.floor(view.anchor_xy[::-1] + 0.5).astype(int)
    assert 0 <= row < view.shape[0]
    assert 0 <= column < view.shape[1]
    assert min(view.shape) > 2 * side_px


def test_outlines_are_those_under_the_clicks_inside(models):
    view = view_of_clicks(Clicks(((50.5, 60.5), (70.5, 60.5), (90.5, 60.5)), (1, 1, 0)), (120, 160), models, 20.0)
    pieces = np.zeros((40, 80), np.int32)
    pieces[5:15, 5:15], pieces[5:15, 25:35], pieces[5:15, 45:55], pieces[30:, :] = 3, 4, 5, 6
    outline = outline_under(view, [((45, 50, 125, 90), pieces), ((0, 0, 10, 10), np.ones((10, 10), np.int32))])
    expected = np.zeros((120, 160), bool)
    expected[55:65, 50:60] = expected[55:65, 70:80] = True
    x0, y0, x1, y1 = view.box_xyxy
    assert (outline == expected[y0:y1, x0:x1]).all()


def test_the_finders_tiles_overlap_at_a_seam(models):
    shape, side_px = (1500, 2000), 20.0
    tiles = [
        list(outline_tiles(view_of_clicks(Clicks(((x + 0.5, 300.5),), (1,)), shape, models, side_px), shape, models, side_px))
        for x in range(0, 2000, 4)
    ]
    assert {len(each) for each in tiles} == {1, 2}
    assert all(any(tile.holds(tile.points_to_tile(np.array([[4.0 * k, 300.0]])))[0] for tile in each) for k, each in enumerate(tiles))


def test_a_prompt_is_the_box_and_point_of_the_guess_and_every_click(models):
    clicks = Clicks(((90.5, 60.5), (50.5, 60.5), (55.5, 60.5)), (0, 1, 1))
    view = view_of_clicks(clicks, (120, 160), models, 16.0)
    scale = view.tile.scale
    assert scale == 2.0
    guess = np.zeros(view.shape, bool)
    guess[int(view.anchor_xy[1]) - 5 : int(view.anchor_xy[1]) + 6, int(view.anchor_xy[0]) - 5 : int(view.anchor_xy[0]) + 6] = True
    seeds, prompts, mode = ask_with_guess(view, guess, models)
    assert (mode.window, mode.mask_prompts) == (models.window(), True)
    assert prompts.point_labels.tolist() == [[2, 3, 1, 0, 1]]
    assert np.diff(prompts.points_xy[0, :2], axis=0).tolist() == [pytest.approx([22 * 1.12 - 1] * 2)]
    assert prompts.points_xy[0, 2:].tolist() == [pytest.approx(row) for row in view.to_tile(view.points_xy[[1, 0, 2]]).tolist()]
    assert (seeds.outlines > 0).sum() == 22**2


def test_a_prompt_that_a_window_does_not_hold_is_decoded_on_all_tokens(models):
    clicks = Clicks(((50.5, 60.5), (150.5, 60.5)), (1, 0))
    view = view_of_clicks(clicks, (120, 160), models, 16.0)
    assert ask_with_points(view, models, all_clicks=True)[2].window is None
    assert ask_with_points(view, models, all_clicks=False)[2].window == models.window()
    assert ask_with_points(view, with_record(models), all_clicks=False)[2].window is None


# --- the answer ---


def test_a_click_gives_its_stone(session, mosaic, shared_memory):
    truth, point = stone(mosaic)
    clicked = session.click(mosaic.image, Clicks((point,), (1,)), SIDE_PX, shared_memory)
    mask = on_photo(clicked.mask, truth.shape)
    assert iou(mask, truth) > 0.7
    assert ndimage.label(mask)[1] == 1
    assert (ndimage.binary_fill_holes(mask) == mask).all()
    assert 0 < clicked.predicted_iou <= 1
    assert 0 < clicked.stability <= 1
    assert clicked.elapsed_s > 0
    Add(mask=clicked.mask, prompt=Clicks((point,), (1,)).as_dict())


def test_a_box_gives_its_stone(session, mosaic, shared_memory):
    truth, _ = stone(mosaic)
    clicked = session.click(mosaic.image, Clicks(box_xyxy=box_of(truth)), SIDE_PX, shared_memory)
    assert iou(on_photo(clicked.mask, truth.shape), truth) > 0.7


def test_further_clicks_change_the_mask(session, mosaic, shared_memory):
    truth, point = stone(mosaic)
    _, _, x1, _ = box_of(truth)
    alone = on_photo(session.click(mosaic.image, Clicks((point,), (1,)), SIDE_PX, shared_memory).mask, truth.shape)
    inner = (x1 - 4.0, point[1])
    refined = session.click(mosaic.image, Clicks((point, inner), (1, 0)), SIDE_PX, shared_memory)
    cut = on_photo(refined.mask, truth.shape)
    assert cut[int(point[1]), int(point[0])]
    assert not cut[int(inner[1]), int(inner[0])]
    assert cut.sum() < alone.sum()


def test_the_embedding_of_a_run_is_found(models, mosaic, shared_memory, encoder):
    _, point = stone(mosaic)
    clicked = ClickSession(models).click(np.zeros_like(mosaic.image), Clicks((point,), (1,)), SIDE_PX, shared_memory)
    assert (clicked.cached, encoder.pictures) == (True, 0)


def test_what_was_not_kept_is_computed_once(models, mosaic, tmp_path, encoder):
    memory = PhotoMemory(TileCache(tmp_path, ROOM), "photo")
    _, point = stone(mosaic)
    clicks, session = Clicks((point,), (1,)), ClickSession(models)
    first = session.click(mosaic.image, clicks, SIDE_PX, memory)
    computed = encoder.pictures
    on_disk = ClickSession(models).click(mosaic.image, clicks, SIDE_PX, memory)
    memory.cache.clear()
    in_memory = session.click(mosaic.image, clicks, SIDE_PX, memory)
    assert (first.cached, on_disk.cached, in_memory.cached) == (False, True, True)
    assert computed == encoder.pictures > 0
    assert first.mask == on_disk.mask == in_memory.mask


def test_only_the_last_tiles_stay_in_memory(models, encoder, tmp_path):
    image = render_mosaic(seed=3, size_px=240, side_px=12.0).image
    memory = PhotoMemory(TileCache(tmp_path, cap_bytes=0), "photo")
    session = ClickSession(models, kept_tiles=1)

    def embedded_for(x):
        before = encoder.pictures
        session.click(image, Clicks(box_xyxy=(x, 20, x + 7, 27)), 8.0, memory)
        return encoder.pictures - before

    assert [embedded_for(x) for x in (20, 30, 210, 20)] == [1, 0, 1, 1]


def test_threads_may_share_a_session(session, mosaic, shared_memory):
    truth, point = stone(mosaic)
    asked = [Clicks((point,), (1,)), Clicks(box_xyxy=box_of(truth))] * 3
    one_by_one = [session.click(mosaic.image, clicks, SIDE_PX, shared_memory).mask for clicks in asked]
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(lambda clicks: session.click(mosaic.image, clicks, SIDE_PX, shared_memory).mask, asked))
    assert at_once == one_by_one


def test_below_the_least_predicted_iou_the_finders_outline_stands(models, mosaic, shared_memory):
    truth, point = stone(mosaic)
    masks = {}
    for least in (0.0, 1.01):
        session = ClickSession(with_record(models, decode="window", mask_prompts=True, least_predicted_iou=least))
        masks[least] = session.click(mosaic.image, Clicks((point,), (1,)), SIDE_PX, shared_memory)
    assert masks[0.0].predicted_iou == masks[1.01].predicted_iou
    assert masks[0.0].mask != masks[1.01].mask
    assert iou(on_photo(masks[1.01].mask, truth.shape), truth) > 0.7


def test_a_checkpoint_without_mask_prompts_answers_too(models, mosaic, shared_memory):
    truth, point = stone(mosaic)
    session = ClickSession(with_record(models))
    for clicks in (Clicks((point,), (1,)), Clicks(box_xyxy=box_of(truth))):
        mask = on_photo(session.click(mosaic.image, clicks, SIDE_PX, shared_memory).mask, truth.shape)
        assert mask[int(point[1]), int(point[0])]


@pytest.mark.parametrize("mask_prompts", [True, False], ids=["takes outlines", "takes points only"])
def test_where_the_finder_sees_nothing_the_checkpoint_is_asked(models, cache, mask_prompts, monkeypatch):
    asked = []

    def nothing(predictor, embedding, seeds, prompts, mode):
        asked.append((prompts.point_labels.tolist(), None if prompts.instances is None else int((prompts.instances > 0).sum())))
        return SimpleNamespace(predicted_iou=np.zeros(1, np.float32), stability=lambda: np.zeros(1, np.float32))

    monkeypatch.setattr("tesserae.click.session.decode_masks", nothing)
    monkeypatch.setattr("tesserae.click.session._paint", lambda masks, view: np.zeros(view.shape, bool))
    grey = np.full((120, 120, 3), 128, np.uint8)
    session = ClickSession(with_record(models, decode="window", mask_prompts=mask_prompts))
    with pytest.raises(CorrectionError, match=r"sees no stone at this place\. Draw it instead"):
        session.click(grey, Clicks(((60.0, 60.0), (60.0, 99.0)), (1, 0)), 32.0, PhotoMemory(cache, "grey"))
    if mask_prompts:
        assert [labels for labels, _ in asked] == [[[1]], [[2, 3, 1, 0]]]
        assert asked[1][1] == pytest.approx(np.pi * (0.4 * 32) ** 2, rel=0.05)
    else:
        assert asked == [([[1, 0]], None)]


@pytest.mark.parametrize("place", [(-0.1, 5), (5, 200), (200, 5)], ids=["left", "below", "right"])
def test_clicks_beside_the_photo_are_refused(session, mosaic, shared_memory, place):
    with pytest.raises(CorrectionError, match="lies outside the photo of 200 x 200"):
        session.click(mosaic.image, Clicks((place,), (1,)), SIDE_PX, shared_memory)
