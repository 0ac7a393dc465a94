"""What tests of importing and exporting share: label maps drawn with digits, and COCO files written by hand."""

import json

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

LABEL_MAPS = hnp.arrays(np.int32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(0, 4))


def drawn(*lines):
    """A label map from lines of digits; a dot is mortar."""
    return np.array([[0 if sign == "." else int(sign) for sign in line] for line in lines], np.int32)


def box(x0, y0, x1, y1):
    """A COCO polygon around whole pixels."""
    return [x0, y0, x1, y0, x1, y1, x0, y1]


def coco(*segmentations, size=(6, 4), file_name="wall.jpg", **more):
    """The content of a COCO file of one photo of `size` (W, H); `more` replaces parts of it."""
    annotations = [
        {"id": number, "image_id": 1, "category_id": 1, "segmentation": segmentation}
        for number, segmentation in enumerate(segmentations, 1)
    ]
    image = {"id": 1, "file_name": file_name, "width": size[0], "height": size[1]}
    return {"images": [image], "annotations": annotations, "categories": [{"id": 1, "name": "tessera"}]} | more


def save_json(path, content):
    """Write `content`, as it is if it is text."""
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path
