"""Where the truth about a mosaic is known: both results measured against it, figure by figure, the better one marked.

The truth is what people approved of the mosaic, or a file that is uploaded instead.
"""

import json
import math
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from tesserae.comparison import compare_scores, describe_scores
from tesserae.dataset.collecting import read_truth as read_approved
from tesserae.dataset.judging import evaluate_within
from tesserae.evaluation import Evaluation, evaluate, read_truth
from tesserae.store import Store
from tesserae.store.annotations import AnnotationRecord, latest_annotation
from tesserae.store.photos import PhotoRecord
from tesserae.store.segmentations import get_segmentation, read_labels
from tesserae.ui.compare.figures import show_training_notes
from tesserae.ui.compare.results import Compared
from tesserae.ui.wording import approval_in_words, plain


def show_truth(store: Store, compared: Compared) -> None:
    """Say which of the two results is nearer to the truth: to what was approved, or to a file that is given.

    Raises TruthError or LabelMapError when the truth cannot be used.
    """
    st.subheader("Which is nearer to the truth")
    annotation = latest_annotation(store, compared.photo.id)
    file = _ask_for_file(compared.photo, "Truth of this mosaic, if you have it" if annotation is None else "Another truth of this mosaic")
    ids = compared.results[0].id, compared.results[1].id
    if file is not None:
        _show_scores(compared, *_evaluate(store, *ids, file.file_id, _choose_entry(file, compared.photo), file))
    elif annotation is not None:
        where = "" if _covers_all(annotation) else " Only there both were measured."
        st.caption(f"Truth: {plain(approval_in_words(annotation))}.{where}")
        _show_scores(compared, *_evaluate_approved(store, *ids, annotation.id, annotation))
    else:
        st.caption(
            "Without it, the figures tell how the two differ, not which of them is right: for that, look at the places that differ. What "
            "is approved on the page **Correct** serves as truth too."
        )


def score_table(scores: pd.DataFrame) -> pd.DataFrame:
    """The figures as text with titles for people; a missing figure is a dash."""

    def shown(column: str) -> list[str]:
        return [_figure(value, is_share) for value, is_share in zip(scores[column], scores["is_share"], strict=True)]

    pairs = zip(shown("published_baseline"), shown("published_finetuned"), strict=True)
    return pd.DataFrame(
        {
            "Figure": scores["figure"],
            "A": shown("a"),
            "B": shown("b"),
            "Better": scores["better"].str.upper().replace("", "–"),
            "Published": ["" if baseline == "–" else f"{baseline} → {finetuned}" for baseline, finetuned in pairs],
            "What it says": scores["meaning"],
        }
    )


def _ask_for_file(photo: PhotoRecord, label: str) -> UploadedFile | None:
    return st.file_uploader(
        label,
        type=["tif", "tiff", "png", "json"],
        key=f"truth {photo.id}",
        help="A label map or a black and white mask of the whole photo (TIFF or PNG), or a file of marked points (JSON).",
    )


def _show_scores(compared: Compared, a: Evaluation, b: Evaluation) -> None:
    st.markdown("\n".join(f"- {sentence}" for sentence in describe_scores(a, b, *(plain(name) for name in compared.names))))
    show_training_notes(compared)
    widths = {"Published": st.column_config.TextColumn(width="medium"), "What it says": st.column_config.TextColumn(width="large")}
    st.dataframe(score_table(compare_scores(a, b)), hide_index=True, height="content", column_config=widths)
    st.caption(
        "Published: SAM 2 large before and after fine-tuning, on the photos of Kapelonis et al. (IST 2025). Those are other photos: a "
        "yardstick for what fine-tuning brings, not a mark to be reached on this one."
    )
    for note in a.notes:
        st.caption(note)


def _covers_all(annotation: AnnotationRecord) -> bool:
    return annotation.region_xy is None and annotation.ignored_file is None


def _figure(value: float, is_share: bool) -> str:
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if is_share else f"{value:.0f}"


def _choose_entry(file: UploadedFile, photo: PhotoRecord) -> str | None:
    """Of a file of marked points with several entries the one of this photo: that of its name, unless another is chosen."""
    if PurePath(file.name).suffix.lower() != ".json":
        return None
    try:
        entries = json.loads(file.getvalue())
    except ValueError:
        return None  # reading the truth says what is wrong with it
    if not isinstance(entries, dict) or len(entries) < 2:
        return None
    names: list[str] = list(entries)
    own = PurePath(photo.name).stem
    entry: str = st.selectbox("Entry of this mosaic in the file", names, index=names.index(own) if own in names else 0)
    return entry


@st.cache_data(max_entries=8, show_spinner="Measuring both against the truth")
def _evaluate(_store: Store, id_a: str, id_b: str, file_id: str, entry: str | None, _file: UploadedFile) -> tuple[Evaluation, Evaluation]:  # noqa: ARG001 (the file is told apart by its id)
    with TemporaryDirectory() as folder:
        path = Path(folder) / PurePath(_file.name).name
        path.write_bytes(_file.getvalue())
        truth = read_truth(path, entry)
    a, b = (evaluate(read_labels(_store, get_segmentation(_store, each)), truth) for each in (id_a, id_b))
    return a, b


@st.cache_data(max_entries=8, show_spinner="Measuring both against what is approved")
def _evaluate_approved(
    _store: Store,
    id_a: str,
    id_b: str,
    annotation_id: str,  # noqa: ARG001 (tells annotations apart)
    _annotation: AnnotationRecord,
) -> tuple[Evaluation, Evaluation]:
    labels, known = read_approved(_store, _annotation)
    a, b = (evaluate_within(read_labels(_store, get_segmentation(_store, each)), labels, known) for each in (id_a, id_b))
    return a, b
