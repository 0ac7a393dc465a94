"""What tests of the fine-tune learn from: small synthetic mosaics with their truth, in a folder or in a collection."""

import io
from dataclasses import replace

from dataset_examples import add_picture, approve
from PIL import Image

from tesserae.labelmap import write_label_map
from tesserae.synthetic import render_mosaic
from tesserae.training.recipe import DEFAULT

SIZE_PX = 104
SHORT = replace(DEFAULT, views_per_tile=2, steps_per_epoch=2, prompts_per_step=6, epochs=2, rehearsal=1)


def mosaics(count):
    return [render_mosaic(40 + number, SIZE_PX, 16.0) for number in range(count)]


def png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG")
    return stream.getvalue()


def write_mosaics(folder, count):
    """images/ and masks/ with label maps; returns the folder."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number, mosaic in enumerate(mosaics(count)):
        (folder / "images" / f"floor{number}.png").write_bytes(png(mosaic.image))
        write_label_map(folder / "masks" / f"floor{number}.tif", mosaic.labels)
    return folder


def approve_mosaics(store, count):
    """Add mosaics to a collection and approve them; returns the photos."""
    photos = []
    for number, mosaic in enumerate(mosaics(count)):
        photos.append(add_picture(store, png(mosaic.image), f"floor{number}.png"))
        approve(store, photos[-1], mosaic.labels)
    return photos


def own_weights(folder, weights_dir):
    """A weights folder with the embedded model alone, not copied."""
    folder.mkdir(parents=True)
    for name in ("tesserae_mini.pt", "tesserae_mini.json"):
        (folder / name).symlink_to(weights_dir / name)
    return folder
