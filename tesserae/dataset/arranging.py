"""Makes a dataset of photos with truth, once it is decided which of them lies on which side; reads no more than it must to cut a photo."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tesserae.dataset.blocks import FEWEST_TO_CUT, Blocks, cut_blocks
from tesserae.dataset.ground import Ground, Labels, Mask
from tesserae.dataset.parts import Dataset, Part
from tesserae.errors import DatasetError
from tesserae.importing.wording import count_of_tesserae, counted
from tesserae.store.members import Split

MOSAICS_TO_KEEP_ONE_APART = 3

_NEEDED: Mapping[Split, str] = {"train": "learn from", "validation": "check on"}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A photo with truth that is on no side yet.

    Attributes:
        photo_id, name, count, annotation_id, truth_id, load: as in `Part`, of the whole photo.
        shape: its height and width.
        read_truth: reads its label map (H, W) and where that is known (H, W), without the photo.
    """

    photo_id: str
    name: str
    count: int
    annotation_id: str | None
    truth_id: str
    shape: tuple[int, int]
    load: Callable[[], Ground]
    read_truth: Callable[[], tuple[Labels, Mask]]


def arrange(candidates: Sequence[Candidate], groups: Sequence[Sequence[str]], splits: Mapping[str, Split]) -> Dataset:
    """Put every photo on its side of the split; while none is for validation, those of train are cut into blocks.

    Args:
        candidates: at least one, each photo once.
        groups: ids of the photos that show the same mosaic, group by group.
        splits: of each photo, the same within a group.

    Raises DatasetError when there is nothing to learn from or to check on, and when no photo can be cut.
    """
    if "train" not in splits.values():
        raise _nothing_in("train")
    by_blocks = "validation" not in splits.values()
    parts, notes = _cut_photos(candidates, groups, splits) if by_blocks else _keep_whole(candidates, groups, splits)
    dataset = Dataset(parts, by_blocks, notes)
    for split in _NEEDED:
        if not dataset.tessera_count(split):
            raise _nothing_in(split)
    return dataset


def _nothing_in(split: Split) -> DatasetError:
    return DatasetError(
        f"Expected approved tesserae to {_NEEDED[split]}, found none in the split {split}. Approve tesserae of a mosaic of that split on "
        "the page Correct, or move a mosaic there on the page Dataset."
    )


def _keep_whole(
    candidates: Sequence[Candidate], groups: Sequence[Sequence[str]], splits: Mapping[str, Split]
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    parts = tuple(_whole(each, splits[each.photo_id]) for each in candidates)
    counts = {split: sum(part.split == split for part in parts) for split in ("train", "validation", "test")}
    said = f"Split by mosaic: {counted(counts['train'], 'photo', 'photos')} to learn from, {counts['validation']} to check on"
    notes = [f"{said}, {counts['test']} to test on."]
    if repeated := len(candidates) - len(groups):
        said = counted(
            repeated, "photo shows the same as another one, and is on its side", "photos show the same as others, and are on their side"
        )
        notes.append(f"{said} of the split.")
    if not counts["test"]:
        notes.append("No mosaic is kept apart to test on yet: with five mosaics one is.")
    return parts, tuple(notes)


def _cut_photos(
    candidates: Sequence[Candidate], groups: Sequence[Sequence[str]], splits: Mapping[str, Split]
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Parts of the photos of train, cut, and of those of test, whole; of photos that show the same one is taken."""
    to_cut = [each for each in candidates if splits[each.photo_id] != "test"]
    chosen = _largest_of_each(to_cut, groups)
    parts: list[Part] = []
    cut: list[Part] = []
    for candidate in candidates:
        if splits[candidate.photo_id] == "test":
            parts.append(_whole(candidate, "test"))
        elif candidate.photo_id in chosen:
            blocks = cut_blocks(*candidate.read_truth())
            cut = [] if blocks is None else _both(candidate, blocks)
            parts.extend(cut or [_whole(candidate, "train")])
    if not any(part.split == "validation" for part in parts):
        most = max(each.count for each in to_cut)
        raise DatasetError(
            f"A mosaic that is alone is cut into a part to learn from and a part to check on, for which it needs at least {FEWEST_TO_CUT} "
            f"approved tesserae, two rows apart; found {count_of_tesserae(most)}. Approve more of it, or "
            f"{MOSAICS_TO_KEEP_ONE_APART} mosaics in all."
        )
    return tuple(parts), tuple(_describe_cut(to_cut, len(groups), chosen))


def _whole(candidate: Candidate, split: Split) -> Part:
    height, width = candidate.shape
    return _part(candidate, split, (0, 0, width, height), candidate.count)


def _both(candidate: Candidate, blocks: Blocks) -> list[Part]:
    return [
        _part(candidate, "train", blocks.train_xyxy, blocks.train_count),
        _part(candidate, "validation", blocks.validation_xyxy, blocks.validation_count),
    ]


def _part(candidate: Candidate, split: Split, box_xyxy: tuple[int, int, int, int], count: int) -> Part:
    facts = candidate.photo_id, candidate.name, split, box_xyxy, count, candidate.annotation_id, candidate.truth_id
    return Part(*facts, candidate.load)


def _largest_of_each(candidates: Iterable[Candidate], groups: Iterable[Sequence[str]]) -> set[str]:
    """Of the photos that show the same the first one with the most tesserae: the blocks of two of them would overlap unseen."""
    count_of = {each.photo_id: each.count for each in candidates}
    present = ([photo_id for photo_id in count_of if photo_id in group] for group in groups)
    return {max(group, key=lambda photo_id: count_of[photo_id]) for group in present if group}


def _describe_cut(candidates: Sequence[Candidate], group_count: int, chosen: set[str]) -> Iterable[str]:
    yield (
        "No mosaic is kept apart to check on, so each was cut in two: about three quarters of its tesserae to learn from, a quarter to "
        "check on, and between them a strip two tesserae wide that belongs to neither. Figures from the same mosaic are flattering."
    )
    lacking = MOSAICS_TO_KEEP_ONE_APART - group_count
    if lacking > 0:
        yield f"{counted(lacking, 'more mosaic', 'more mosaics')} and the model can be judged on one that it has not seen."
    for left_out in (each for each in candidates if each.photo_id not in chosen):
        yield f"{left_out.name} shows the same as another photo, and was left out: its blocks would overlap with the other's."
