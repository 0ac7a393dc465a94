"""Where the truth about a mosaic is known: both results measured against it, figure by figure, the better one marked."""

import json
import math
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from tesserae.comparison import compare_scores, describe_scores
from tesserae.evaluation import Evaluation, evaluate, read_truth
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord
from tesserae.store.segmentations import get_segmentation, read_labels
from tesserae.ui.compare.figures import show_training_notes
from tesserae.ui.compare.results import Compared
from tesserae.ui.wording import plain


def show_truth(store: Store, compared: Compared) -> None:
    """Take a truth file, and say which of the two results is nearer to it; raises TruthError when it cannot be used."""
    st.subheader("Which is nearer to the truth")
    file = st.file_uploader(
        "Truth of this mosaic, if you have it",
        type=["tif", "tiff", "png", "json"],
        key=f"truth {compared.photo.id}",
        help="A label map or a black and white mask of the whole photo (TIFF or PNG), or a file of marked points (JSON).",
    )
    if file is None:
        st.caption("Without it, the figures tell how the two differ, not which of them is right: for that, look at the places that differ.")
        return
    entry = _choose_entry(file, compared.photo)
    a, b = _evaluate(store, compared.results[0].id, compared.results[1].id, file.file_id, entry, file)
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
