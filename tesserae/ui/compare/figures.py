"""The figures of a comparison that need no truth: counts, what differs in words and by kind, time and device, areas."""

import plotly.graph_objects as go
import streamlit as st

from tesserae.comparison import KINDS, AreaHistogram, describe_comparison, histogram_areas
from tesserae.ui.compare.colours import A_COLOUR, B_COLOUR, css, swatch, words_of
from tesserae.ui.compare.results import Compared
from tesserae.ui.wording import plain


def show_figures(compared: Compared) -> None:
    """Show counts with the signed difference, the reading, the kinds of differences, and how the two results came about."""
    comparison = compared.comparison
    columns = st.columns(4)
    columns[0].metric(f"A: {plain(compared.names[0])}", f"{comparison.a.count:,}")
    difference = f"{comparison.difference:+,}" if comparison.difference else None
    columns[1].metric(f"B: {plain(compared.names[1])}", f"{comparison.b.count:,}", difference, delta_color="off")
    columns[2].metric("Same in both", f"{comparison.tallies['same'].places:,}")
    columns[3].metric("Places that differ", f"{len(comparison.differences):,}")
    first, *others = describe_comparison(comparison, *(plain(name) for name in compared.names))
    st.markdown("\n".join([first, "", *(f"- {sentence}" for sentence in others)]))
    show_training_notes(compared)
    st.html(_table_of_kinds(compared))
    for side, result in zip(compared.sides, compared.results, strict=True):
        for warning in result.warnings:
            st.warning(f"{side.letter}: {plain(warning)}")
        embedding_s = float(result.stages_s.get("embed", 0.0))
        st.caption(
            f"{side.letter}: {plain(result.checkpoint)}, {side.way.lower()}; {result.elapsed_s:.1f} s on {result.device} ({result.dtype}), "
            f"of which {embedding_s:.1f} s for embedding the photo, which related models share. {result.created_at:%Y-%m-%d %H:%M} UTC."
        )


def show_areas(compared: Compared) -> None:
    """Show how large the tesserae are that each model found; in mm² where the scale is known."""
    histogram = histogram_areas(compared.comparison, mm_per_px=compared.photo.mm_per_px)
    if compared.comparison.a.count + compared.comparison.b.count == 0:
        return
    st.subheader("How large the tesserae are")
    st.plotly_chart(area_chart(histogram, *compared.names), width="stretch", config={"displayModeBar": False})
    if histogram.larger_a or histogram.larger_b:
        st.caption(f"Larger ones, not shown: {histogram.larger_a:,} of A and {histogram.larger_b:,} of B.")
    if histogram.unit == "px":
        st.caption("The scale of this photo is not known, so areas are given in pixels. Set the scale on the page **Mosaics**.")


def area_chart(histogram: AreaHistogram, name_a: str, name_b: str) -> go.Figure:
    """The two distributions over each other."""
    edges, unit = histogram.edges, "pixels" if histogram.unit == "px" else histogram.unit
    middles, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    figure = go.Figure()
    for name, numbers, colour in ((f"A: {name_a}", histogram.in_a, A_COLOUR), (f"B: {name_b}", histogram.in_b, B_COLOUR)):
        hover = "%{y} tesserae of about %{x:.4g} " + unit
        figure.add_bar(x=middles, y=numbers, width=width, name=name, marker_color=css(colour), opacity=0.6, hovertemplate=hover)
    figure.update_layout(
        barmode="overlay",
        height=300,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        legend={"orientation": "h", "y": 1.15, "x": 0},
        xaxis={"title": f"Area, {unit}", "rangemode": "tozero", "showgrid": False},
        yaxis={"title": "Tesserae"},
    )
    return figure


def show_training_notes(compared: Compared) -> None:
    """Say where a model's record tells that this photo served in making it: its figures then promise too much."""
    for side in compared.sides:
        splits = side.checkpoint.record.get("photo_ids")
        if isinstance(splits, dict) and any(compared.photo.id in photos for split, photos in splits.items() if split != "test"):
            st.warning(
                f"This photo, or a part of it, served in training {plain(side.checkpoint.name)} ({side.letter}). The figures say how well "
                "it remembers, not how well it does on a mosaic that it has never seen. Compare on another photo as well."
            )


def _table_of_kinds(compared: Compared) -> str:
    """Kinds of differences with their colours and numbers, as HTML."""
    words, rows = words_of(compared.names), []
    for kind in KINDS[1:]:
        tally = compared.comparison.tallies[kind]
        cells = "".join(f"<td>{number:,}</td>" for number in (tally.places, tally.in_a, tally.in_b))
        rows.append(f"<tr><th scope='row'>{swatch(kind)} {words[kind]}</th>{cells}</tr>")
    head = "".join(f"<th scope='col'>{title}</th>" for title in ("", "Places", "Tesserae of A", "Tesserae of B"))
    style = (
        "<style>.kinds th, .kinds td {padding: .15rem 1.2rem .15rem 0; text-align: right} "
        ".kinds th:first-child {text-align: left; font-weight: 400}</style>"
    )
    return f"{style}<table class='kinds'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
