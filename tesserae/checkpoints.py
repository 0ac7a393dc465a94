"""The registry of checkpoints: which there are, whether their files are sound, and where they can be had.

A checkpoint is a .pt file in the weights folder. Three kinds: the embedded one that comes with the program, the eight
that Meta published (their table is below), and fine-tuned ones, each with a JSON record of the same name beside it.
Reading files into models is in `tesserae.weights`, fetching in `tesserae.download`; nothing here needs torch but the check of a file
without a recorded hash.
"""

import difflib
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tesserae.config_names import resolve_config
from tesserae.download import Progress, Retry, fetch_file, format_size, sha256_of_file
from tesserae.errors import CheckpointError, DownloadError

logger = logging.getLogger(__name__)

Kind = Literal["embedded", "official", "finetuned"]

EMBEDDED_NAME = "tesserae_mini"


@dataclass(frozen=True)
class OfficialFile:
    """One file that Meta published; size and hash are those of public listings."""

    name: str
    size_bytes: int
    sha256: str
    parameters_m: float


OFFICIAL: tuple[OfficialFile, ...] = tuple(
    OfficialFile(*row)
    for row in (
        ("sam2_hiera_tiny", 155906050, "65b50056e05bcb13694174f51bb6da89c894b57b75ccdf0ba6352c597c5d1125", 38.9),
        ("sam2_hiera_small", 184309650, "95949964d4e548409021d47b22712d5f1abf2564cc0c3c765ba599a24ac7dce3", 46.0),
        ("sam2_hiera_base_plus", 323493298, "d0bb7f236400a49669ffdd1be617959a8b1d1065081789d7bbff88eded3a8071", 80.8),
        ("sam2_hiera_large", 897952466, "7442e4e9b732a508f80e141e7c2913437a3610ee0c77381a66658c3a445df87b", 224.4),
        ("sam2.1_hiera_tiny", 156008466, "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69", 38.9),
        ("sam2.1_hiera_small", 184416285, "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38", 46.0),
        ("sam2.1_hiera_base_plus", 323606802, "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5", 80.8),
        ("sam2.1_hiera_large", 898083611, "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318", 224.4),
    )
)
# The folders under the base address in which Meta offers the two generations, by the beginning of the file name.
_FOLDERS = {"sam2_": "072824", "sam2.1_": "092824"}

_RESERVED_NAMES = frozenset({EMBEDDED_NAME, *(official.name for official in OFFICIAL)})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True)
class Checkpoint:
    """One entry of the registry; its file need not be there.

    Attributes:
        name: as given on the command line; the file is called `<name>.pt`.
        kind: where it comes from.
        config: name of its architecture, one of `tesserae.config_names.KNOWN_CONFIGS`.
        path: where the file is, or would be.
        url: where it can be fetched; None if nowhere.
        size_bytes: the size that the file should have; None if not recorded.
        sha256: the hash that the file should have, in hex; None if not recorded.
        record: what is known of its origin, as in the JSON file beside it.
    """

    name: str
    kind: Kind
    config: str
    path: Path
    url: str | None
    size_bytes: int | None
    sha256: str | None
    record: Mapping[str, object] = field(hash=False)

    @property
    def installed(self) -> bool:
        """Whether the file is there; says nothing of its content."""
        return self.path.is_file()


@dataclass(frozen=True)
class Verification:
    """Outcome of checking one checkpoint's file; `message` is a sentence."""

    name: str
    ok: bool
    message: str


def list_checkpoints(weights_dir: Path, base_url: str) -> list[Checkpoint]:
    """List the embedded checkpoint, the official ones, then the fine-tuned ones in `weights_dir` by name.

    A fine-tuned file whose record is missing or broken is left out; a broken record is logged as a warning, and
    `list_problems` tells of both.
    """
    finetuned, problems = _scan(weights_dir)
    for problem in problems:
        logger.warning("%s", problem)
    return [_embedded(weights_dir), *_officials(weights_dir, base_url), *finetuned]


def list_problems(weights_dir: Path) -> list[str]:
    """Return one sentence for each .pt file in `weights_dir` that cannot be listed because of its record."""
    return _scan(weights_dir)[1]


def find_checkpoint(name: str, weights_dir: Path, base_url: str) -> Checkpoint:
    """Look a checkpoint up by its name, with or without `.pt`; it need not be installed.

    Raises:
        CheckpointError: the name is unknown (says which ones are close), or its record is broken.
    """
    wanted = name.strip().removesuffix(".pt")
    known = [_embedded(weights_dir), *_officials(weights_dir, base_url)]
    known += [] if any(checkpoint.name == wanted for checkpoint in known) else _scan(weights_dir)[0]
    for checkpoint in known:
        if checkpoint.name == wanted:
            return checkpoint
    if _NAME.fullmatch(wanted) and (weights_dir / f"{wanted}.pt").is_file():
        return read_finetuned(weights_dir / f"{wanted}.pt")  # raises, and says what is wrong with the record
    names = [checkpoint.name for checkpoint in known]
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    raise CheckpointError(f"There is no checkpoint named '{wanted}'. {hint}The known ones are: {', '.join(names)}.")


def fetch_checkpoint(checkpoint: Checkpoint, *, partial_dir: Path, progress: Progress | None = None, retry: Retry | None = None) -> Path:
    """Download an official checkpoint, checked, into its place; one that is there and sound is left alone.

    Args:
        checkpoint: an official one.
        partial_dir: where the unfinished file lies meanwhile; not the weights folder.
        progress: called with (bytes so far, bytes in total); raise in it to cancel, the download goes on next time.
        retry: patience with broken connections; None for the usual.

    Raises:
        DownloadError: it is not offered anywhere, another file is in its place, or the download failed.
    """
    if checkpoint.url is None:
        raise DownloadError(
            f"{checkpoint.name} is not offered for download; expected one of the official checkpoints: "
            f"{', '.join(official.name for official in OFFICIAL)}. Bring its file by hand."
        )
    if checkpoint.installed:
        verification = verify_checkpoint(checkpoint)
        if verification.ok:
            return checkpoint.path
        raise DownloadError(f"{verification.message} Move {checkpoint.path} away, then fetch again.")
    return fetch_file(
        checkpoint.url,
        checkpoint.path,
        partial_dir=partial_dir,
        size_bytes=checkpoint.size_bytes,
        sha256=checkpoint.sha256,
        progress=progress,
        retry=retry,
    )


def verify_checkpoint(checkpoint: Checkpoint) -> Verification:
    """Compare a file with its recorded size and SHA-256; without a recorded hash, see at least that it can be read."""
    name, path = checkpoint.name, checkpoint.path
    if not checkpoint.installed:
        return Verification(name, False, how_to_get(checkpoint))
    size_bytes = path.stat().st_size
    if checkpoint.size_bytes not in (None, size_bytes):
        expected, found = format_size(checkpoint.size_bytes or 0), format_size(size_bytes)
        return Verification(name, False, f"{name} has the wrong size: expected {expected}, found {found}.")
    if checkpoint.sha256 is None:
        return _verify_by_reading(name, path)
    sha256 = sha256_of_file(path)
    if sha256 != checkpoint.sha256:
        message = f"{name} was changed: expected the SHA-256 {checkpoint.sha256}, found {sha256}."
        return Verification(name, False, message)
    return Verification(name, True, f"{name} is sound: {format_size(size_bytes)}, SHA-256 as recorded.")


def read_finetuned(path: Path) -> Checkpoint:
    """Return the entry of a fine-tuned file by the record beside it; raises CheckpointError when there is none, or it is broken."""
    record_path = _record_path(path)
    if not record_path.is_file():
        raise CheckpointError(
            f"{path} has no record: expected {record_path.name} beside it. Move the file elsewhere and import it from "
            "there with: python -m tesserae checkpoints import FILE --config NAME."
        )
    record = _read_record(record_path)
    config = record.get("config")
    if not isinstance(config, str):
        raise CheckpointError(f'The record {record_path} names no config; add "config", for example "2.0-large".')
    size_bytes, sha256 = _recorded_identity(record)
    try:
        full_config = resolve_config(config)
    except CheckpointError as error:
        raise CheckpointError(f"The record {record_path} cannot be used. {error}") from error
    return Checkpoint(path.stem, "finetuned", full_config, path, None, size_bytes, sha256, record)


def free_name(name: str, weights_dir: Path) -> str:
    """Return the name if a new checkpoint may have it; raises CheckpointError when it is not allowed or taken."""
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            f"'{name}' cannot be the name of a checkpoint: expected letters, digits and . _ + - only, beginning with a "
            "letter or digit. Give another name."
        )
    if name in _RESERVED_NAMES:
        raise CheckpointError(
            f"The name '{name}' belongs to a checkpoint that the program knows. To install that very file, copy it to "
            f"{weights_dir / name}.pt and verify it; for one of your own, give another name."
        )
    for taken in (weights_dir / f"{name}.pt", weights_dir / f"{name}.json"):
        if taken.exists():
            raise CheckpointError(f"{taken} is there already and is never overwritten. Give another name.")
    return name


def how_to_get(checkpoint: Checkpoint) -> str:
    """Say that a checkpoint is not installed, and how to get it with and without a network."""
    if checkpoint.kind != "official":
        source = "the program's own files" if checkpoint.kind == "embedded" else "a backup"
        return f"{checkpoint.name} is not installed: expected the file {checkpoint.path}. Restore it from {source}."
    return (
        f"{checkpoint.name} is not installed; it is a download of {format_size(checkpoint.size_bytes or 0)}. Fetch it "
        f"with: python -m tesserae checkpoints fetch {checkpoint.name}. Without a network, download {checkpoint.url} "
        f"on another machine, copy the file to {checkpoint.path}, and check it with: "
        "python -m tesserae checkpoints verify."
    )


def _embedded(weights_dir: Path) -> Checkpoint:
    path = weights_dir / f"{EMBEDDED_NAME}.pt"
    record: dict[str, object] = {}
    if _record_path(path).is_file():
        try:
            record = _read_record(_record_path(path))
        except CheckpointError as error:
            # It works without: the record only describes it.
            logger.warning("%s", error)
    size_bytes, sha256 = _recorded_identity(record)
    return Checkpoint(EMBEDDED_NAME, "embedded", EMBEDDED_NAME, path, None, size_bytes, sha256, record)


def _officials(weights_dir: Path, base_url: str) -> list[Checkpoint]:
    return [
        Checkpoint(
            name=official.name,
            kind="official",
            config=resolve_config(official.name),
            path=weights_dir / f"{official.name}.pt",
            url=_official_url(official.name, base_url),
            size_bytes=official.size_bytes,
            sha256=official.sha256,
            record={"publisher": "Meta", "parameters_m": official.parameters_m},
        )
        for official in OFFICIAL
    ]


def _official_url(name: str, base_url: str) -> str:
    folder = next(folder for start, folder in _FOLDERS.items() if name.startswith(start))
    return f"{base_url.rstrip('/')}/{folder}/{name}.pt"


def _scan(weights_dir: Path) -> tuple[list[Checkpoint], list[str]]:
    """Return the fine-tuned checkpoints in a folder, and a sentence for each file that has no good record."""
    checkpoints, problems = [], []
    for path in sorted(weights_dir.glob("*.pt")):
        if path.stem in _RESERVED_NAMES:
            continue
        try:
            checkpoints.append(read_finetuned(path))
        except CheckpointError as error:
            problems.append(str(error))
    return checkpoints, problems


def _record_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_record(record_path: Path) -> dict[str, object]:
    try:
        record = json.loads(record_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"The record {record_path} cannot be read ({error}). Expected a JSON file; restore it, or import the "
            "checkpoint again under another name."
        ) from error
    if not isinstance(record, dict):
        raise CheckpointError(
            f"The record {record_path} is not one: expected a JSON object with names and values, found a "
            f"{type(record).__name__}. Restore it, or import the checkpoint again under another name."
        )
    return record


def _recorded_identity(record: Mapping[str, object]) -> tuple[int | None, str | None]:
    """Return size in bytes and SHA-256 (lower case) as far as the record holds them in a usable form."""
    size_bytes, sha256 = record.get("size_bytes"), record.get("sha256")
    return (
        size_bytes if isinstance(size_bytes, int) else None,
        sha256.lower() if isinstance(sha256, str) else None,
    )


def _verify_by_reading(name: str, path: Path) -> Verification:
    from tesserae.architecture import read_checkpoint_file  # brings torch: seconds that the list of checkpoints does without

    try:
        read_checkpoint_file(path)
    except CheckpointError as error:
        return Verification(name, False, str(error))
    return Verification(name, True, f"{name} can be read; no SHA-256 is recorded for it, so no more can be said.")
