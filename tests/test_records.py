"""Records of checkpoints in words: what is missing is said to be missing, and odd forms are left out."""

from pathlib import Path

import pytest

from tesserae.checkpoints import Checkpoint
from tesserae.config_names import KNOWN_CONFIGS
from tesserae.ui.records import MISSING, architecture_in_words, describe_gain, describe_record


def checkpoint(kind="finetuned", name="mine", size_bytes=None, **record):
    return Checkpoint(name, kind, "tesserae_mini", Path("nowhere.pt"), None, size_bytes, None, record)


@pytest.mark.parametrize(
    ("what", "record", "value"),
    [
        ("Parent", {}, MISSING),
        ("Parent", {"parent": None}, MISSING),
        ("Parent", {"parent": "sam2_hiera_large"}, "sam2_hiera_large"),
        ("Parent", {"parent": {"name": "sam2_hiera_large", "sha256": "0"}}, "sam2_hiera_large"),
        ("Trained on", {}, MISSING),
        ("Trained on", {"data": {"kind": "synthetic mosaics"}}, "synthetic mosaics"),
        ("Trained on", {"photos": {"training": [1, 2], "held out": []}}, "photos: 2 in training, 0 in held out"),
        ("Trained on", {"photos": {"training": 5}}, MISSING),
        ("Trained on", {"dataset": {"mosaics": 3, "tesserae": 1204}}, "1,204 tesserae of 3 mosaics"),
        ("What it brought", {"sentence": "Better."}, "Better."),
        ("Against the others", {"promoted": True, "reason": "It won."}, "It won."),
        ("F1, where it did not learn", {"validation": {"base": {}, "mine": {"mean": {"f1_50": 0.9}}}}, "90.0 %"),
        ("IoU, where it did not learn", {"validation": {"mine": {"mean": {"f1_50": 0.9, "pixel_iou": None}}}}, MISSING),
        ("Date", {"date": "2026-03-05T10:00:00"}, "2026-03-05"),
        ("Date", {"date": 5}, MISSING),
        ("Scores", {}, MISSING),
        ("Score: IoU", {"scores": {"IoU": 0.912345}}, "0.9123"),
        ("Score: IoU", {"scores": {"IoU": None}}, MISSING),
        ("Score: IoU", {"scores": {"IoU": "good"}}, "good"),
        ("Size", {}, MISSING),
        ("Imported from", {"source_file": "a.pt"}, "a.pt"),
        ("Notes", {"notes": "Made in two steps."}, "Made in two steps."),
    ],
)
def test_a_fact_is_put_into_words(what, record, value):
    assert dict(describe_record(checkpoint(**record)))[what] == value


def test_the_embedded_one_has_no_parent_and_the_official_ones_need_none():
    assert dict(describe_record(checkpoint("embedded", parent=None)))["Parent"] == "none: trained from the start"
    assert dict(describe_record(checkpoint("official", "sam2.1_hiera_tiny", 156_008_466)))["Size"] == "156,008,466 bytes (156 MB)"


@pytest.mark.parametrize("kind", ["official", "finetuned"])
def test_published_figures_stand_only_where_they_were_measured(kind):
    large = dict(describe_gain(checkpoint(kind, "sam2_hiera_large", 897_952_466, parameters_m=224.4)))
    assert large["IoU on mosaics, as published"].startswith("89.00 % as it is, 91.02 %")
    assert large["Parameters"] == "224.4 million"
    small = dict(describe_gain(checkpoint(kind, "sam2.1_hiera_large")))
    assert "none published" in small["Results on mosaics"]
    assert (small["Download"], small["Parameters"]) == (MISSING, MISSING)


def test_every_architecture_has_words():
    assert [architecture_in_words(config) for config in KNOWN_CONFIGS] == [
        "tesserae_mini",
        *(f"SAM {version} {size}" for version in ("2.0", "2.1") for size in ("tiny", "small", "base plus", "large")),
    ]
