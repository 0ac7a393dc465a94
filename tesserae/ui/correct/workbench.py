"""The canvas with all that stands around it: tools, the way around the photo, count, the look back, undo, the model's proposal."""

from collections.abc import Callable
from functools import partial
from zlib import crc32

import streamlit as st

from tesserae.correcting import Desk
from tesserae.deepzoom import OverlayStyle, Pyramid
from tesserae.store.drafts import LoggedEntry
from tesserae.ui.correct.actions import bring_back, take_back, take_proposal, take_stroke
from tesserae.ui.correct.bench import Ask, Bench
from tesserae.ui.correct.drawing import empty_drawing
from tesserae.ui.correct.look_back import show_look_back
from tesserae.ui.correct.minimap import show_minimap
from tesserae.ui.correct.picture import Look, Marks, encode_jpeg, render_canvas
from tesserae.ui.correct.tools import GROUPS, TOOLS
from tesserae.ui.correct.view import CANVAS_SIZES, USUAL_CANVAS, ZOOM_STEP
from tesserae.ui.correct.words import in_words
from tesserae.ui.wording import counted, plain

_STROKE_COLOUR = "#FF5A3C"
_THIN_PX = 2
_SIDE_WIDTH_PX = 280
# The canvas has tools of its own, of which undo, redo and delete know nothing of the corrections: they show above it, where they are cut
# off. What stands beside the canvas stays there; where the window is too narrow for both, the canvas is scrolled sideways.
_STYLE = """<style>
.stMainBlockContainer { padding: 2.5rem 2rem 3rem; }
.st-key-canvas { overflow: clip; }
@media (min-width: 900px) {
    .st-key-workbench { flex-wrap: nowrap; }
    .st-key-workbench > :first-child { flex-shrink: 1; min-width: 0; }
    .st-key-workbench > :last-child { flex-shrink: 0; }
}
</style>"""
_INSIDE, _OUTSIDE = "This is the stone", "This is none of it"
_MOVES = (
    ("Left", ":material/arrow_back:", "ArrowLeft", lambda view: view.panned(-1, 0)),
    ("Up", ":material/arrow_upward:", "ArrowUp", lambda view: view.panned(0, -1)),
    ("Down", ":material/arrow_downward:", "ArrowDown", lambda view: view.panned(0, 1)),
    ("Right", ":material/arrow_forward:", "ArrowRight", lambda view: view.panned(1, 0)),
    ("Nearer", ":material/zoom_in:", "I", lambda view: view.zoomed(ZOOM_STEP)),
    ("Farther", ":material/zoom_out:", "O", lambda view: view.zoomed(1 / ZOOM_STEP)),
    ("All", ":material/fit_screen:", "H", lambda view: type(view).whole(view.photo_size)),
)


def show_workbench(desk: Desk, bench: Bench, photo: Pyramid, ask: Ask, author: str) -> None:
    """Show the canvas and its tools; call it inside a fragment, which runs anew with each stroke."""
    st.html(_STYLE)
    with st.container(horizontal=True, gap="small", key="workbench"):
        canvas_part, side_part = st.container(width=bench.view.canvas_size[0]), st.container(width=_SIDE_WIDTH_PX)
    with side_part, st.container():  # what comes and goes has a place of its own, and moves nothing else
        width_px, inside = _choose_tool(bench)
    with canvas_part:
        canvas_place = st.container(key="canvas")
        _offer_moves(bench)
        style = _choose_style(bench)
    with canvas_place:
        _show_canvas(desk, bench, photo, ask, author, width_px, style, inside=inside)
    with side_part:
        _show_count(desk)
        _offer_undo(desk, bench, author)
        with st.container():
            _offer_proposal(desk, bench, author)
        with st.container():
            _tell(desk, bench)
        show_look_back(photo, desk.map, bench.last_change)
        show_minimap(photo, bench, desk.draft.id)


def _choose_tool(bench: Bench) -> tuple[float, bool]:
    """Show the palette; returns the brush width in photo pixels, and whether a click for the model means the stone."""
    held = bench.tool_in_hand
    group = st.segmented_control("Tools", GROUPS, default=held.group, required=True, label_visibility="collapsed", key="tool group")
    in_group = {tool.name: tool for tool in TOOLS if tool.group == group}
    names = list(in_group)
    default = held.name if held.name in in_group else names[0]
    chosen = st.segmented_control(
        "Tool", names, default=default, required=True, format_func=lambda name: in_group[name].title, label_visibility="collapsed",
        key=f"tool {group}",
    )  # fmt: skip
    tool = in_group[chosen or default]
    if tool.name != bench.tool:
        bench.tool = tool.name
        bench.forget_proposal()
    st.caption(tool.help)
    if tool.brush:
        return float(st.slider("Width of the brush, in pixels of the photo", 1, 60, 5, key="brush width")), True
    if tool.name == "click" and bench.clicks:
        answer = st.segmented_control("The next click", [_INSIDE, _OUTSIDE], default=_INSIDE, required=True, key=f"sign {bench.strokes}")
        return 1.0, answer != _OUTSIDE
    return 1.0, True


def _choose_style(bench: Bench) -> OverlayStyle:
    with st.container(horizontal=True, vertical_alignment="center"):
        outline = st.toggle("Outlines", value=True, key="correct outlines")
        fill = st.toggle("Fills", value=False, key="correct fills")
        numbers = st.toggle("Numbers", value=False, key="correct numbers")
        size = st.segmented_control(
            "Canvas", CANVAS_SIZES, default=USUAL_CANVAS, required=True, key="canvas size", label_visibility="collapsed"
        )
    bench.view = bench.view.on_canvas(CANVAS_SIZES[size or USUAL_CANVAS])
    return OverlayStyle(fill=fill, outline=outline, numbers=numbers, opacity=0.4)


def _show_canvas(
    desk: Desk, bench: Bench, photo: Pyramid, ask: Ask, author: str, width_px: float, style: OverlayStyle, *, inside: bool
) -> None:
    proposal = None if bench.proposal is None else bench.proposal.mask
    look = Look(style, Marks(proposal, bench.clicks, bench.focus))
    with desk.lock:
        picture = encode_jpeg(render_canvas(photo, desk.map, bench.view, look))
        bench.seen = desk.number
    from streamlit_drawable_canvas import st_canvas  # cannot be imported outside a running page

    tool = bench.tool_in_hand
    brush = max(_THIN_PX, round(width_px * bench.view.zoom)) if tool.brush else _THIN_PX
    # A canvas whose picture changes would report itself to the page: another picture is another canvas.
    key = f"canvas {desk.draft.id} {tool.name} {bench.strokes} {bench.view.name} {crc32(picture):x}"
    bench.canvas = key
    st_canvas(
        initial_drawing=empty_drawing(picture),
        width=bench.view.canvas_size[0],
        height=bench.view.canvas_size[1],
        drawing_mode=tool.mode,
        stroke_color=_STROKE_COLOUR,
        stroke_width=brush,
        fill_color="rgba(255, 90, 60, 0.15)",
        key=key,
        on_change=partial(take_stroke, key, bench, desk, ask, author, width_px, inside=inside),
    )


def _offer_moves(bench: Bench) -> None:
    """Buttons, and their keys, for the way around the photo."""

    def move(change: Callable[..., object]) -> None:
        bench.view = change(bench.view)  # type: ignore[assignment]  # each move gives a view

    with st.container(horizontal=True, gap="xsmall"):
        for title, icon, shortcut, change in _MOVES:
            st.button(title, icon=icon, shortcut=shortcut, on_click=move, args=(change,), key=f"move {title}")


def _show_count(desk: Desk) -> None:
    change = desk.map.count - desk.base_count
    st.metric("Tesserae", f"{desk.map.count:,}", delta=f"{change:+,} by hand" if change else None, delta_color="off")


def _offer_undo(desk: Desk, bench: Bench, author: str) -> None:
    with st.container(horizontal=True):
        st.button(
            "Undo", icon=":material/undo:", shortcut="Ctrl+Z", on_click=take_back, args=(bench, desk, author),
            disabled=desk.to_undo is None, key="undo", help=_step_in_words(desk.to_undo),
        )  # fmt: skip
        st.button(
            "Redo", icon=":material/redo:", shortcut="Ctrl+Y", on_click=bring_back, args=(bench, desk, author),
            disabled=desk.to_redo is None, key="redo", help=_step_in_words(desk.to_redo),
        )  # fmt: skip


def _step_in_words(step: LoggedEntry | None) -> str | None:
    """What the button would take back or bring back: an approval, too, and whosever it is."""
    if step is None:
        return None
    return in_words(step.entry.correction) + (f", by {step.entry.author}" if step.entry.author else "")


def _offer_proposal(desk: Desk, bench: Bench, author: str) -> None:
    if bench.proposal is None:
        return
    st.write(f"The model proposes the stone in yellow; it expects its outline to be {bench.proposal.predicted_iou:.0%} right.")
    with st.container(horizontal=True):
        st.button("Take it", type="primary", shortcut="Enter", on_click=take_proposal, args=(bench, desk, author), key="take proposal")
        st.button("Leave it", shortcut="Escape", on_click=bench.forget_proposal, key="leave proposal")


def _tell(desk: Desk, bench: Bench) -> None:
    if desk.number:
        st.caption(f"{counted(desk.number, 'entry')} in the log, all saved.")
    if bench.message is None:
        return
    tone, sentence = bench.message
    show = st.success if tone == "done" else st.warning
    show(plain(sentence))
