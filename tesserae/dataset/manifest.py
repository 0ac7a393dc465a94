"""What the zip file of a dataset says of itself, manifest.json: photos, who approved what and when, regions, splits, files by their hash.

A file is named by the SHA-256 of its content, so that whoever reads the zip can see that nothing was altered. docs/annotations.md
describes the format.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

import tesserae
from tesserae.dataset.membership import Member
from tesserae.errors import DatasetError
from tesserae.store.members import Split

MANIFEST_FILE = "manifest.json"

_PhotoFile = Annotated[str, Field(pattern=r"^photos/[0-9a-f]{64}\.(jpg|png|tif)$")]
_LabelsFile = Annotated[str, Field(pattern=r"^labels/[0-9a-f]{64}\.tif$")]
_Polygon = Annotated[tuple[tuple[float, float], ...], Field(min_length=3)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class ApprovalRecord(_Record):
    """What is vouched for: label map, unreadable pixels and region as in `tesserae.store.annotations.Approved`, by whom and when."""

    labels_file: _LabelsFile
    ignored_file: _LabelsFile | None
    region_xy: tuple[_Polygon, ...] | None
    count: Annotated[int, Field(ge=0)]
    author: str
    approved_at: AwareDatetime


class PhotoEntry(_Record):
    """A photo: the bytes of its file, what people wrote about it, its side of the split (None: by the rule), and what is approved."""

    photo_file: _PhotoFile
    name: str
    title: str
    site: str
    inventory_number: str
    period: str
    remarks: str
    credit: str
    mm_per_px: Annotated[float, Field(gt=0)] | None
    split: Split
    split_chosen_by: str | None
    approval: ApprovalRecord

    @property
    def files(self) -> tuple[str, ...]:
        """All files that belong to it, as they are named in the zip."""
        named = self.photo_file, self.approval.labels_file, self.approval.ignored_file
        return tuple(file for file in named if file is not None)


class Manifest(_Record):
    """All of a dataset."""

    format: Literal["tesserae dataset"] = "tesserae dataset"
    version: Literal[1] = 1
    program_version: str = tesserae.__version__
    photos: tuple[PhotoEntry, ...]


def describe_members(members: tuple[Member, ...]) -> Manifest:
    """Return the manifest of a collection's dataset; the store's own names of files are those in the zip."""
    return Manifest(photos=tuple(_entry(member) for member in members))


def read_manifest(content: bytes, name: str) -> Manifest:
    """Read a manifest from the zip `name`; raises DatasetError when it is none, or one of a newer Tesserae."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its text"
        raise DatasetError(
            f"The {MANIFEST_FILE} in {name} is not that of a dataset of this version: {where}: {first['msg']}. Export the dataset again, "
            "or use the version of Tesserae that wrote it."
        ) from error


def _entry(member: Member) -> PhotoEntry:
    photo, annotation, record = member.photo, member.annotation, member.record
    return PhotoEntry(
        photo_file=photo.file,
        name=photo.name,
        title=photo.title,
        site=photo.site,
        inventory_number=photo.inventory_number,
        period=photo.period,
        remarks=photo.remarks,
        credit=photo.credit,
        mm_per_px=photo.mm_per_px,
        split=record.split,
        split_chosen_by=record.chosen_by,
        approval=ApprovalRecord(
            labels_file=annotation.file,
            ignored_file=annotation.ignored_file,
            region_xy=annotation.region_xy,
            count=annotation.count,
            author=annotation.author,
            approved_at=annotation.approved_at,
        ),
    )
