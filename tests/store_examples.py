"""What the tests of `tesserae.store` put into a collection: small photos, label maps and their provenance."""

import hashlib
import io

import numpy as np
from conftest import three_tesserae
from PIL import Image

from tesserae.store.photos import PhotoFacts, add_photo
from tesserae.store.segmentations import Provenance, Scores, add_segmentation

FACTS = PhotoFacts(60, 40, "PNG", 8, "RGB", 6, "Adobe RGB", ("Turned upright.",))


def png_bytes(level=128):
    """A grey photo of 60 x 40 pixels as the bytes of a PNG file, another one for each level."""
    stream = io.BytesIO()
    Image.new("RGB", (60, 40), (level, level, level)).save(stream, format="PNG")
    return stream.getvalue()


def add_grey(store, level=128, name="wall.png"):
    return add_photo(store, png_bytes(level), name, FACTS)


def provenance(**changes):
    facts = {
        "checkpoint": "tesserae_mini",
        "checkpoint_sha256": "c" * 64,
        "options": {"prompts": "finder", "cells": None},
        "decode": "window",
        "decode_agreement": 0.97,
        "device": "cpu",
        "dtype": "float32",
        "median_side_px": 10.0,
        "stages_s": {"load": 0.5, "find": 0.25},
        "elapsed_s": 0.75,
        "warnings": ("Too coarse.",),
    }
    return Provenance(**facts | changes)


def segment(store, photo, labels=None, **changes):
    labels = three_tesserae() if labels is None else labels
    return add_segmentation(store, photo.id, labels, Scores({1: 0.9, 7: 0.5}, {2: 0.25}), provenance(**changes))


def all_mortar():
    return np.zeros((40, 60), np.int32)


def files_of(store):
    """Paths from home of all files but the database."""
    paths = (path for path in store.home.rglob("*") if path.is_file() and not path.name.startswith("tesserae.db"))
    return sorted(path.relative_to(store.home).as_posix() for path in paths)


def sha256(content):
    return hashlib.sha256(content).hexdigest()
