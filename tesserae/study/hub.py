"""Fetches the photos and masks of a data set on Hugging Face into a folder with images/ and masks/, each file once, checked."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from tesserae.download import Retry, fetch_file
from tesserae.errors import DownloadError
from tesserae.importing.folders import IMAGES_FOLDER, MASKS_FOLDER

AUTHORS_DATA = "mosaics-images"
AUTHORS_REPOSITORY = "ckapelonis02/mosaics-images"
"""The data set of Kapelonis et al. 2025."""

_LISTING = ".listing.json"

Report = Callable[[float], None]


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set.

    Attributes:
        path: in the data set.
        target: in the folder here: images/NAME or masks/NAME.
        size_bytes, sha256: as listed; the latter None for files that are not in large file storage.
    """

    path: str
    target: str
    size_bytes: int | None
    sha256: str | None


def fetch_dataset(repository: str, folder: Path, hub_url: str, report: Report, retry: Retry | None = None) -> str:
    """Fetch a data set into a folder and return its revision; files that are here are not fetched again.

    Args:
        repository: owner and name.
        folder: gets images/ and masks/.
        hub_url: address of the hub, without a slash at its end.
        report: hears the share of files that are done.
        retry: patience with broken connections; None for the usual.

    Raises DownloadError, which says how to bring the files by hand, when it is not to be had or has another layout.
    """
    address = f"{hub_url.rstrip('/')}/datasets/{repository}"
    try:
        listing = _fetch_listing(repository, folder, hub_url, retry)
        revision, files = str(listing["sha"]), list_files(listing)
    except DownloadError as error:
        raise DownloadError(f"{error} {_by_hand(address, folder)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DownloadError(f"The listing of {address} is not what was expected ({error!r}). {_by_hand(address, folder)}") from error
    if not files:
        raise DownloadError(f"Expected files in {IMAGES_FOLDER}/ and {MASKS_FOLDER}/ of {address}, found none. {_by_hand(address, folder)}")
    for number, file in enumerate(files):
        report(number / len(files))
        target = folder / file.target
        if not target.is_file() or file.size_bytes not in (None, target.stat().st_size):
            url = f"{address}/resolve/{revision}/{quote(file.path)}"
            fetch_file(url, target, partial_dir=folder / ".part", size_bytes=file.size_bytes, sha256=file.sha256, retry=retry)
    return revision


def list_files(listing: Mapping[str, Any]) -> list[RemoteFile]:
    """Return the photos and masks among the files of a listing: those in folders named images and masks, wherever these lie.

    Where such folders are in several places, as in train/images and test/images, names begin with the place.
    """
    paths = [PurePosixPath(sibling["rfilename"]) for sibling in listing["siblings"]]
    places = {path.parent.parent for path in paths if path.parent.name in (IMAGES_FOLDER, MASKS_FOLDER)}
    return list(_files(listing["siblings"], paths, several=len(places) > 1))


def _files(siblings: Sequence[Mapping[str, Any]], paths: Sequence[PurePosixPath], *, several: bool) -> Iterator[RemoteFile]:
    for sibling, path in zip(siblings, paths, strict=True):
        kind = path.parent.name
        if kind in (IMAGES_FOLDER, MASKS_FOLDER) and not path.name.startswith("."):
            name = "_".join([*path.parent.parent.parts, path.name]) if several else path.name
            large = sibling.get("lfs") or {}
            yield RemoteFile(str(path), f"{kind}/{name}", sibling.get("size"), large.get("sha256"))


def _fetch_listing(repository: str, folder: Path, hub_url: str, retry: Retry | None) -> dict[str, Any]:
    url = f"{hub_url.rstrip('/')}/api/datasets/{repository}?blobs=true"
    target = folder / _LISTING
    (folder / ".part" / f"{_LISTING}.part").unlink(missing_ok=True)  # what an earlier try left may be of an older listing
    fetch_file(url, target, partial_dir=folder / ".part", retry=retry)
    listing: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return listing


def _by_hand(address: str, folder: Path) -> str:
    return (
        f"By hand: open {address} on a machine with network, copy its photos to {folder / IMAGES_FOLDER} and its masks to "
        f"{folder / MASKS_FOLDER}, each mask with the name of its photo, and give that folder after --data."
    )
