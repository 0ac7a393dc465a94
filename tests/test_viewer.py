"""The viewer without a browser: it mounts, renders what was asked for, and takes nothing that makes no sense."""

import io
import json

import numpy as np
import pytest
from conftest import PATIENCE_S
from PIL import Image
from streamlit.testing.v1 import AppTest

from tesserae.errors import TesseraeError
from tesserae.ui.viewer import Layer, ViewerEvent, look_at, show_viewer, viewer

SIZE = 60, 40
SENT = {"x": 30, "y": 20, "scale": 2.5, "box": [10, 5, 50, 35], "size": [80, 60], "looked": 0}


def page():
    import numpy as np
    import streamlit as st

    from tesserae.ui.viewer import Layer, show_viewer

    def render(level):
        def picture(box, size):
            st.session_state["rendered"] = (box, size)
            return np.full((size[1], size[0], 3), level, np.uint8)

        return picture

    mode = st.session_state.get("mode", "single")
    layers = [Layer("Baseline", render(50), "1"), Layer("Fine-tuned", render(200), "2")][: 1 if mode == "single" else 2]
    event = show_viewer(
        layers, photo_size=(60, 40), mode=mode, alt="A floor", key="v", height_px=300, answer=lambda event: f"at {event.x:g}"
    )
    st.text(str(event))


@pytest.fixture
def app():
    return AppTest.from_function(page, default_timeout=PATIENCE_S)


@pytest.fixture
def session(monkeypatch):
    """A session that has received `SENT` for the viewer "v"."""
    state = {"v": {"view": dict(SENT), "click": {"x": 12.5, "y": 7, "layer": 0}}}
    monkeypatch.setattr("streamlit.session_state", state)
    return state


def run(app):
    app.run()
    assert not app.exception
    message = app.get("bidi_component")[0].proto.bytes
    length = int.from_bytes(message[:4], "little")
    header, rest = json.loads(message[4 : 4 + length]), message[4 + length :]
    pictures = []
    for layer in header["layers"]:
        pictures.append(np.asarray(Image.open(io.BytesIO(rest[: layer["bytes"]]))))
        rest = rest[layer["bytes"] :]
    assert rest == b""
    return header, pictures


def test_it_mounts_with_the_whole_photo(app):
    header, pictures = run(app)
    assert header == {
        "photo_size": [60, 40],
        "mode": "single",
        "alt": "A floor",
        "height_px": 300,
        "box": [0, 0, 60, 40],
        "view": None,
        "look_at": None,
        "answer": None,
        "layers": [{"name": "Baseline", "revision": "1", "bytes": header["layers"][0]["bytes"]}],
    }
    assert [picture.shape for picture in pictures] == [(40, 60, 3)]
    assert app.text[0].value == "None"


@pytest.mark.parametrize("mode", ["side", "swipe"])
def test_two_layers_come_in_order(app, mode):
    app.session_state["mode"] = mode
    header, pictures = run(app)
    assert (header["mode"], [layer["name"] for layer in header["layers"]]) == (mode, ["Baseline", "Fine-tuned"])
    assert [int(picture[0, 0, 0]) for picture in pictures] == [50, 200]


def test_the_view_of_the_browser_is_rendered_and_given_back_to_it(app):
    app.session_state["v.viewer"] = {"view": viewer._read_view(SENT, SIZE)}
    header, pictures = run(app)
    assert app.session_state["rendered"] == ((10, 5, 50, 35), (80, 60))
    assert header["box"] == [10, 5, 50, 35]
    assert {key: header["view"][key] for key in ("x", "y", "scale")} == {"x": 30, "y": 20, "scale": 2.5}
    assert pictures[0].shape == (60, 80, 3)


def test_a_click_is_answered_and_returned_once(app):
    app.session_state["v.viewer"] = {"click": ViewerEvent(12.5, 7.0, 0)}
    header, _ = run(app)
    assert header["answer"] == {"text": "at 12.5"}
    assert app.text[0].value == "ViewerEvent(x=12.5, y=7.0, layer=0)"
    header, _ = run(app)
    assert (header["answer"], app.text[0].value) == (None, "None")


@pytest.mark.parametrize(("mode", "count"), [("single", 2), ("side", 1), ("swipe", 3)])
def test_another_number_of_layers_is_refused(mode, count):
    layers = [Layer("A", lambda box, size: np.zeros((size[1], size[0], 3), np.uint8))] * count
    with pytest.raises(TesseraeError, match=f"'{mode}' takes"):
        show_viewer(layers, photo_size=SIZE, mode=mode, alt="A floor", key="v")


@pytest.mark.parametrize(
    ("photo_size", "size"), [((60, 40), (60, 40)), ((2048, 1024), (1024, 512)), ((1, 9000), (1, 1024)), ((10_000, 8_000), (1024, 819))]
)
def test_the_first_picture_is_small(photo_size, size):
    assert viewer._whole_photo(photo_size) == ((0, 0, *photo_size), size)


def test_a_view_is_kept_and_its_box_held_within_the_photo(session):
    session["v"]["view"]["box"] = [-3, 5, 99, 35]
    viewer._take_view("v", SIZE)
    assert session["v.viewer"]["view"] == viewer._View(30, 20, 2.5, (0, 5, 60, 35), (80, 60))


@pytest.mark.parametrize(
    "change",
    [
        {"box": [10, 5, 10, 35]},
        {"box": [70, 5, 90, 35]},
        {"box": [10, 5, 50]},
        {"box": None},
        {"x": "left"},
        {"x": float("nan")},
        {"scale": 0},
        {"scale": float("inf")},
        {"size": [0, 60]},
        {"size": [80, 2049]},
        {"size": [80, float("inf")]},
        {"size": [80]},
    ],
    ids=str,
)
def test_a_view_that_makes_no_sense_leaves_the_former_one(session, change):
    viewer._take_view("v", SIZE)
    before = dict(session["v.viewer"])
    session["v"]["view"] = {**SENT, **change}
    viewer._take_view("v", SIZE)
    session["v"]["view"] = None
    viewer._take_view("v", SIZE)
    assert session["v.viewer"] == before


def test_a_click_is_kept(session):
    viewer._take_click("v", 1)
    assert session["v.viewer"]["click"] == ViewerEvent(12.5, 7.0, 0)


@pytest.mark.parametrize(
    "sent", [None, {}, {"x": 1, "y": float("nan"), "layer": 0}, {"x": 1, "y": 2, "layer": 1}, {"x": "", "y": 2, "layer": 0}]
)
def test_a_click_that_makes_no_sense_is_left_out(session, sent):
    session["v"]["click"] = sent
    viewer._take_click("v", 1)
    assert "click" not in session.get("v.viewer", {})


def test_a_place_to_look_at_is_sent_until_the_browser_has_looked(session):
    look_at("v", (1, 2, 3, 4))
    look_at("v", (5, 6, 7, 8))
    assert session["v.viewer"]["look_at"] == {"turn": 2, "box": (5, 6, 7, 8)}
    session["v"]["view"]["looked"] = 1
    viewer._take_view("v", SIZE)
    assert "look_at" in session["v.viewer"]
    session["v"]["view"]["looked"] = 2
    viewer._take_view("v", SIZE)
    assert "look_at" not in session["v.viewer"]
