"""Who is in the dataset of a collection: every photo with an annotation in force, on its side of the split, with those that show the same.

A photo comes to its side when it is first seen here, and stays there; photos that show the same are moved together.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tesserae.dataset.looks import group_alike, looks_of
from tesserae.dataset.splits import assign_splits
from tesserae.photo import read_photo
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.annotations import AnnotationRecord, annotations_in_force
from tesserae.store.members import MemberRecord, Split, choose_split, list_members, settle_members
from tesserae.store.photos import PhotoRecord, get_photo, photo_path


@dataclass(frozen=True)
class Member:
    """A photo of the dataset.

    Attributes:
        photo: its record.
        annotation: what is vouched for, the revision in force.
        record: its side of the split, and who chose it.
        alike: ids of the other photos of the dataset that show the same.
    """

    photo: PhotoRecord
    annotation: AnnotationRecord
    record: MemberRecord
    alike: tuple[str, ...] = ()


def find_members(store: Store, settings: Settings) -> tuple[Member, ...]:
    """Return the photos with an annotation in force, in the order in which they were first approved; new ones come to their side now.

    Of new ones the photo is read once. Raises StoreError or PhotoError when its file is lost or damaged.
    """
    annotations = annotations_in_force(store)
    records = settle(store, settings, [each.photo_id for each in annotations])
    found = [each for each in annotations if each.photo_id in records]
    groups, present = _groups(records), {each.photo_id for each in found}
    return tuple(
        Member(
            get_photo(store, each.photo_id),
            each,
            records[each.photo_id],
            tuple(other for other in groups[each.photo_id] if other in present and other != each.photo_id),
        )
        for each in found
    )


def settle(
    store: Store, settings: Settings, photo_ids: Collection[str], wishes: Mapping[str, Split] | None = None
) -> dict[str, MemberRecord]:
    """Give every photo of the dataset that is new its side of the split; returns all members, those that are out of it too.

    Args:
        photo_ids: of all photos of the dataset.
        wishes: where new ones were elsewhere; what shows the same as a member goes to its side nevertheless.

    Raises as `find_members`.
    """
    records = list_members(store)
    looks = {photo_id: _read_looks(store, settings, photo_id) for photo_id in photo_ids if photo_id not in records}
    if not looks:
        return records
    return settle_members(store, looks, lambda members: _decide(members, looks, set(photo_ids), wishes or {}))


def move_member(store: Store, photo_id: str, split: Split, author: str) -> None:
    """Put a photo, with all that show the same, on the side that a person chose; raises StoreError when it is no member."""
    groups = _groups(list_members(store))
    choose_split(store, groups.get(photo_id, [photo_id]), split, author)


def _read_looks(store: Store, settings: Settings, photo_id: str) -> str:
    record = get_photo(store, photo_id)
    return looks_of(read_photo(photo_path(store, record), name=record.name, max_pixels=settings.max_pixels).image)


def _decide(
    members: Mapping[str, MemberRecord], looks: Mapping[str, str], present: set[str], wishes: Mapping[str, Split]
) -> dict[str, Split]:
    """The sides of all photos whose group has one in the dataset; groups that are out of it take no share."""
    known = {photo_id: member.looks for photo_id, member in members.items()}
    groups = [group for group in group_alike({**looks, **known}) if present.intersection(group)]
    return assign_splits(groups, {**wishes, **{photo_id: member.split for photo_id, member in members.items()}})


def _groups(records: Mapping[str, MemberRecord]) -> dict[str, Sequence[str]]:
    """For each member all that show the same, itself among them."""
    groups = group_alike({photo_id: record.looks for photo_id, record in records.items()})
    return {photo_id: group for group in groups for photo_id in group}
