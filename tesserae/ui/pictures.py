"""Pictures of stored mosaics for the viewer: pyramids kept under TESSERAE_HOME, and layers that draw a result over its photo."""

from pathlib import Path

from tesserae.deepzoom import Overlay, OverlayStyle, Pyramid, cached_pyramid, render_viewport
from tesserae.photo import read_photo
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord, photo_path
from tesserae.store.segmentations import SegmentationRecord, read_labels
from tesserae.ui.viewer import Layer

PYRAMIDS_FOLDER = "pyramids"


def photo_pyramid(store: Store, photo: PhotoRecord, settings: Settings) -> Pyramid:
    """The photo's pyramid, built at first sight; raises PhotoError when its file cannot be read."""
    path = photo_path(store, photo)
    load = lambda: read_photo(path, name=photo.name, max_pixels=settings.max_pixels).image  # noqa: E731
    return cached_pyramid(_place(store, photo.id), load)


def labels_pyramid(store: Store, segmentation: SegmentationRecord) -> Pyramid:
    """The pyramid of a segmentation's label map; raises LabelMapError when its file cannot be read."""
    return cached_pyramid(_place(store, Path(segmentation.file).stem), lambda: read_labels(store, segmentation))


def photo_layer(name: str, photo: Pyramid) -> Layer:
    """The photo as it is."""
    return Layer(name, lambda box, size: render_viewport(photo, [], box, size), revision="photo")


def result_layer(name: str, photo: Pyramid, labels: Pyramid, style: OverlayStyle) -> Layer:
    """A result drawn over its photo."""
    revision = f"{labels.path.stem} {style.fill} {style.outline} {style.numbers} {style.opacity}"
    return Layer(name, lambda box, size: render_viewport(photo, [Overlay(labels, style)], box, size), revision=revision)


def _place(store: Store, content_id: str) -> Path:
    return store.home / PYRAMIDS_FOLDER / f"{content_id}.pyramid"
