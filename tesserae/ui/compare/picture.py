"""The pictures of a comparison: side by side, swipe and differences in one viewer, and the table that leads it from place to place."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from tesserae.comparison import KINDS, Found, Kind
from tesserae.deepzoom import BoxXYXY, Overlay, OverlayStyle, Pyramid, render_viewport, tessera_at
from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord
from tesserae.ui.compare.colours import A_COLOUR, B_COLOUR, colour_table
from tesserae.ui.compare.results import Compared
from tesserae.ui.pictures import labels_pyramid, photo_pyramid
from tesserae.ui.viewer import Layer, ViewerEvent, look_at, show_viewer
from tesserae.ui.viewer.viewer import Mode
from tesserae.ui.wording import plain

SHORT_WORDS: dict[Kind, str] = {
    "same": "same in both",
    "only_a": "only A",
    "only_b": "only B",
    "split": "divided",
    "merged": "joined",
    "moved": "outline differs",
}
MOST_ROWS = 500

_VIEWS: dict[str, Mode] = {"Side by side": "side", "Swipe": "swipe", "Differences": "single"}
_LEAST_MARGIN_PX = 40
_MOST_NUMBERS = 6
_FILL_OPACITY = 0.5


@st.fragment
def show_differences(store: Store, compared: Compared, settings: Settings) -> None:
    """Show both results with shared zoom, and below them the differences one after the other.

    Runs as a fragment: moving the view costs nothing beyond the pictures. Errors are shown, as no page catches those of a fragment.
    """
    try:
        _show_differences(store, compared, settings)
    except TesseraeError as error:
        st.error(plain(str(error)))


def _show_differences(store: Store, compared: Compared, settings: Settings) -> None:
    key = f"compare {compared.photo.id}"
    view_column, kind_column = st.columns([2, 3], vertical_alignment="bottom")
    view = view_column.segmented_control("View", list(_VIEWS), default="Side by side", required=True, key=f"{key} view")
    tallies = compared.comparison.tallies
    shown = kind_column.pills(
        "Colour and step through",
        [kind for kind in KINDS[1:] if tallies[kind].places],
        selection_mode="multi",
        default=[kind for kind in KINDS[1:] if tallies[kind].places],
        format_func=lambda kind: f"{SHORT_WORDS[kind]} ({tallies[kind].places:,})",
        key=f"{key} {compared.results[0].id} {compared.results[1].id}",
    )
    places = compared.comparison.differences
    places = places[places["kind"].isin(shown)].reset_index(drop=True)
    steps = f"{key} {compared.results[0].id} {compared.results[1].id} {' '.join(shown)} place"
    _step_through(key, steps, places, compared)
    with st.spinner("Preparing the pictures for zooming; only the first time"):
        photo = photo_pyramid(store, compared.photo, settings)
        labels = [labels_pyramid(store, result) for result in compared.results]
    show_viewer(
        make_layers(_VIEWS[view], photo, labels, compared, shown),
        photo_size=photo.size,
        mode=_VIEWS[view],
        alt=f"{compared.photo.shown_name} with what {' and '.join(compared.names)} found; places that differ: {len(places)}",
        key=key,
        answer=partial(answer, labels, compared),
    )
    _show_table(key, steps, places, compared)


def make_layers(mode: Mode, photo: Pyramid, labels: Sequence[Pyramid], compared: Compared, shown: Sequence[Kind]) -> list[Layer]:
    """The layers of a view: each result over the photo, or for the differences both, with only what differs."""
    found = (compared.comparison.a, compared.comparison.b)
    colours = [colour_table(each, shown) for each in found]
    fills = [
        Overlay(pyramid, OverlayStyle(fill=True, outline=False, opacity=_FILL_OPACITY, colours=table))
        for pyramid, table in zip(labels, colours, strict=True)
    ]
    revision = " ".join([mode, *shown, *(result.id for result in compared.results)])
    if mode == "single":
        # a joined or divided place is filled by the tesserae of B, and outlined by both; two fills over each other would be a third colour
        only_a = [kind for kind in shown if kind == "only_a"]
        filled = Overlay(labels[0], OverlayStyle(fill=True, outline=False, opacity=_FILL_OPACITY, colours=colour_table(found[0], only_a)))
        lines = [
            Overlay(pyramid, OverlayStyle(colours=table, line=line))
            for pyramid, table, line in zip(labels, colours, (A_COLOUR, B_COLOUR), strict=True)
        ]
        return [Layer("Differences", partial(render_viewport, photo, [filled, fills[1], *lines]), revision)]
    return [
        Layer(f"{side.letter}: {side.name}", partial(render_viewport, photo, [fill, Overlay(pyramid, OverlayStyle(line=line))]), revision)
        for side, fill, pyramid, line in zip(compared.sides, fills, labels, (A_COLOUR, B_COLOUR), strict=True)
    ]


def answer(labels: Sequence[Pyramid], compared: Compared, event: ViewerEvent) -> str:
    """What both models have at a point."""
    mm_per_px = compared.photo.mm_per_px
    said = []
    for side, pyramid, found in zip(compared.sides, labels, (compared.comparison.a, compared.comparison.b), strict=True):
        label = tessera_at(pyramid, event.x, event.y)
        said.append(f"{side.letter}, {side.name}: {_describe_tessera(found, label, mm_per_px) if label else 'mortar'}.")
    return " ".join(said)


def box_around(place: pd.Series, photo_size: tuple[int, int]) -> BoxXYXY:
    """The place with as much again around it, within the photo."""
    x0, y0, x1, y1 = (float(place[f"box_{edge}"]) for edge in ("x0", "y0", "x1", "y1"))
    margin = max(_LEAST_MARGIN_PX, x1 - x0, y1 - y0)
    return max(0.0, x0 - margin), max(0.0, y0 - margin), min(float(photo_size[0]), x1 + margin), min(float(photo_size[1]), y1 + margin)


def _describe_tessera(found: Found, label: int, mm_per_px: float | None) -> str:
    row = int(np.searchsorted(found.labels, label))
    area_px = int(found.areas_px[row])
    area = f"{area_px:,} pixels" if mm_per_px is None else f"{area_px * mm_per_px**2:,.1f} mm²"
    return f"tessera {label}, {area}, {SHORT_WORDS[KINDS[found.kinds[row]]]}"


def _step_through(key: str, steps: str, places: pd.DataFrame, compared: Compared) -> None:
    """Buttons to the previous and the next place, and words on the present one."""
    back_column, on_column, text_column = st.columns([1, 1, 4], vertical_alignment="center")
    at = st.session_state.get(steps, -1)
    move = partial(_go_to, key, steps, places, compared.photo)
    back_column.button("Previous", on_click=move, args=(at - 1,), disabled=at < 1, width="stretch", icon=":material/arrow_back:")
    on_column.button(
        "Next", on_click=move, args=(at + 1,), disabled=at + 1 >= len(places), width="stretch", icon=":material/arrow_forward:"
    )
    if len(places) == 0:
        text_column.markdown("Nothing differs here." if len(compared.comparison.differences) == 0 else "Choose above what to step through.")
    elif at < 0:
        text_column.markdown(f"**Next** leads to the most important of {len(places):,} places.")
    else:
        text_column.markdown(f"Place {at + 1:,} of {len(places):,}: {_describe_place(places.iloc[at])}")


def _show_table(key: str, steps: str, places: pd.DataFrame, compared: Compared) -> None:
    """The differences as a table; a click on a row leads the picture there."""
    if len(places) == 0:
        return
    with st.expander("Table of the differences"):
        st.dataframe(
            readable_table(places.head(MOST_ROWS), compared.photo.mm_per_px),
            hide_index=True,
            selection_mode="single-row",
            on_select=partial(_go_to_selected, key, steps, places, compared.photo),
            key=f"{steps} table",
        )
        if len(places) > MOST_ROWS:
            st.caption(f"The {MOST_ROWS} most important of {len(places):,}; the file has all of them.")
        st.download_button(
            "Table (CSV)",
            lambda: readable_table(places, compared.photo.mm_per_px).to_csv(index=False).encode(),
            f"differences {compared.photo.id[:8]}.csv",
            "text/csv",
            on_click="ignore",
        )


def readable_table(places: pd.DataFrame, mm_per_px: float | None) -> pd.DataFrame:
    """The differences with titles for people; areas in mm² where the scale is known."""
    unit, unit_px = ("pixels", 1.0) if mm_per_px is None else ("mm²", mm_per_px**2)
    numbers = {side: [", ".join(map(str, labels)) for labels in places[f"labels_{side}"]] for side in ("a", "b")}
    areas = {side: (places[f"area_{side}_px"] * unit_px).round(2) for side in ("a", "b")}
    return pd.DataFrame(
        {
            "Place": range(1, len(places) + 1),
            "Difference": [SHORT_WORDS[kind] for kind in places["kind"]],
            "Tesserae of A": numbers["a"],
            "Tesserae of B": numbers["b"],
            f"Area in A, {unit}": areas["a"],
            f"Area in B, {unit}": areas["b"],
            "In common": places["iou"].round(2),
            "Left, pixels": places["box_x0"],
            "Top, pixels": places["box_y0"],
        }
    )


def _describe_place(place: pd.Series) -> str:
    sides = []
    for letter in ("a", "b"):
        labels = place[f"labels_{letter}"]
        if labels:
            numbers = ", ".join(map(str, labels[:_MOST_NUMBERS])) + (" …" if len(labels) > _MOST_NUMBERS else "")
            sides.append(f"{numbers} of {letter.upper()}")
    return f"**{SHORT_WORDS[place['kind']]}**, tessera {' and '.join(sides)}"


def _go_to(key: str, steps: str, places: pd.DataFrame, photo: PhotoRecord, at: int) -> None:
    st.session_state[steps] = at
    look_at(key, box_around(places.iloc[at], (photo.width, photo.height)))


def _go_to_selected(key: str, steps: str, places: pd.DataFrame, photo: PhotoRecord) -> None:
    rows = st.session_state[f"{steps} table"].selection.rows
    if rows:
        _go_to(key, steps, places, photo, rows[0])
