"""What tests of the dataset put into a collection or a folder: noisy photos of tesserae laid in rows, approved."""

import io

import numpy as np
from mosaic_examples import lay
from PIL import Image

from tesserae.corrections.log import Entry
from tesserae.corrections.operations import Approve
from tesserae.labelmap import count_tesserae, write_label_map
from tesserae.photo import read_photo
from tesserae.store.annotations import Approved, add_annotation
from tesserae.store.drafts import create_draft, read_entries
from tesserae.store.photos import add_photo, facts_of

LABELS = lay(4, 12)  # 48 x 144 pixels, 48 tesserae


def picture(seed, shape=LABELS.shape):
    """An image uint8 (H, W, 3) of large soft patches, another one for each seed."""
    rng = np.random.default_rng(seed)
    patches = Image.fromarray(rng.integers(0, 255, (4, 6, 3), dtype=np.uint8))
    return np.asarray(patches.resize(shape[::-1], Image.Resampling.BICUBIC))


def photo_bytes(seed, shape=LABELS.shape):
    stream = io.BytesIO()
    Image.fromarray(picture(seed, shape)).save(stream, format="PNG")
    return stream.getvalue()


def add_picture(store, content, name):
    return add_photo(store, content, name, facts_of(read_photo(content, name=name, max_pixels=10**6)))


def approve(store, photo, labels=LABELS, ignored=None, region=None, count=None, author="Anna"):
    """Approve a label map of a photo."""
    draft = create_draft(store, photo.id, labels, "import", (), author)
    polygon = region[-1] if region else None
    approved = Approved(labels, ignored, region, count_tesserae(labels) if count is None else count)
    return add_annotation(store, draft, len(read_entries(store, draft.id)), Entry(Approve(polygon), author), approved)


def approved_mosaic(store, seed, labels=LABELS, **more):
    """Add a photo and approve it; returns its record."""
    photo = add_picture(store, photo_bytes(seed, labels.shape), f"wall{seed}.png")
    approve(store, photo, labels, **more)
    return photo


def write_folder(folder, seeds, labels=LABELS):
    """A folder of images/ and masks/ with a photo of each seed, and label maps as masks."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / "images" / f"wall{seed}.png").write_bytes(photo_bytes(seed, labels.shape))
        write_label_map(folder / "masks" / f"wall{seed}.tif", labels)
    return folder
