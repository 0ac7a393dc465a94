"""What a dataset consists of: parts of photos, each on one side of the split, read when they are needed; knows not where they come from."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations

from tesserae.corrections.boxes import common_box, is_empty
from tesserae.corrections.operations import BoxXYXY
from tesserae.dataset.ground import Ground, crop_ground
from tesserae.errors import DatasetError
from tesserae.store.members import Split


@dataclass(frozen=True)
class Part:
    """A photo, or a block of one, with its truth.

    Attributes:
        photo_id: sha256 of the photo's bytes.
        name: of the photo, as shown.
        split: side on which it lies.
        box_xyxy: the part of the photo, half open; all of it, or a block.
        count: how many tesserae are known in it.
        annotation_id: of the approved annotation; None for a folder's.
        truth_id: hash of what is known of the photo: another one for another label map, region or ignored area.
        load: reads the ground of the whole photo.
    """

    photo_id: str
    name: str
    split: Split
    box_xyxy: BoxXYXY
    count: int
    annotation_id: str | None
    truth_id: str
    load: Callable[[], Ground] = field(repr=False, compare=False)

    def read(self) -> Ground:
        """Read the ground of this part alone; raises PhotoError, LabelMapError or StoreError when a file is missing or damaged."""
        return crop_ground(self.load(), self.box_xyxy)


@dataclass(frozen=True)
class Dataset:
    """Parts of photos of which no pixel lies on two sides of the split.

    Attributes:
        parts: in the order in which they were approved, or by name.
        by_blocks: whether photos were cut, since there are too few to keep one apart.
        notes: plain sentences on how it was split, and what was left out.

    Raises DatasetError where two sides would share a pixel.
    """

    parts: tuple[Part, ...]
    by_blocks: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        of_photo: dict[str, list[Part]] = {}
        for part in self.parts:
            of_photo.setdefault(part.photo_id, []).append(part)
        for a, b in (pair for parts in of_photo.values() for pair in combinations(parts, 2)):
            if a.split != b.split and not is_empty(common_box(a.box_xyxy, b.box_xyxy)):
                raise DatasetError(
                    f"Expected every pixel of {a.name} on one side of the split, found some for {a.split} and for {b.split}. "
                    "Choose one split for this photo."
                )

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over what is learned from: photos, truth, boxes and splits; the order does not matter."""
        facts = sorted([part.photo_id, part.truth_id, list(part.box_xyxy), part.split] for part in self.parts)
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def of_split(self, split: Split) -> tuple[Part, ...]:
        """Return the parts of one side."""
        return tuple(part for part in self.parts if part.split == split)

    def photo_ids(self, split: Split) -> tuple[str, ...]:
        """Return the ids of the photos of one side, each once."""
        return tuple(dict.fromkeys(part.photo_id for part in self.of_split(split)))

    def tessera_count(self, split: Split) -> int:
        """Return how many tesserae one side has."""
        return sum(part.count for part in self.of_split(split))
