"""Decides which mosaic is learned from, checked on, and tested on; knows ids only.

Splits are by group: photos that show the same mosaic lie on the same side. What was decided once stays.
"""

from collections.abc import Iterable, Mapping, Sequence

from tesserae.store.members import SPLITS, Split

SHARES: Mapping[Split, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}
ALWAYS_TRAIN = 2
"""So many mosaics are learned from before one is kept apart."""


def assign_splits(groups: Iterable[Sequence[str]], decided: Mapping[str, Split]) -> dict[str, Split]:
    """Return the split of every photo.

    A group without a decision goes where most is lacking to its share of the groups; the first `ALWAYS_TRAIN` to train, the next to
    validation.

    Args:
        groups: ids of the photos that show the same, group by group in the order in which they came.
        decided: what was decided before, by id. In a group where that differs, train wins over validation, and that over test:
            nothing that was learned from may serve to judge afterwards.
    """
    splits: dict[str, Split] = {}
    filled = dict.fromkeys(SPLITS, 0)
    open_groups = []
    for group in groups:
        known = {decided[photo_id] for photo_id in group if photo_id in decided}
        if known:
            _settle(group, min(known, key=SPLITS.index), splits, filled)
        else:
            open_groups.append(group)
    for group in open_groups:
        _settle(group, _neediest(filled), splits, filled)
    return splits


def _settle(group: Sequence[str], split: Split, splits: dict[str, Split], filled: dict[Split, int]) -> None:
    splits.update(dict.fromkeys(group, split))
    filled[split] += 1


def _neediest(filled: Mapping[Split, int]) -> Split:
    total = sum(filled.values()) + 1
    if total <= ALWAYS_TRAIN:
        return "train"
    if not filled["validation"]:  # without one, mosaics would have to be cut
        return "validation"
    return max(SPLITS, key=lambda split: SHARES[split] * total - filled[split])
