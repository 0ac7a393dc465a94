"""What models said of tiles, kept on disk: a run that was cut off, or a second checkpoint with the same encoder, need not ask again.

An entry is a few named tensors under a key of plain words (photo, tiling, model, number format). It is a cache: entries may vanish at
any time, the least recently used first, and one that was damaged counts as missing. Several processes may share the folder.
"""

import hashlib
import logging
import os
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from tesserae.atomic import broken_writes, write_file
from tesserae.settings import Settings
from tesserae.store.files import EMBEDDINGS

logger = logging.getLogger(__name__)

_SUFFIX = ".tile"
_CRC_BYTES = 4
_FREED_TO = 0.9  # of the cap, so that not every write has to clear away
_PACKED, _PLAIN = b"z", b"."


@dataclass
class TileCache:
    """A folder of entries.

    Attributes:
        folder: created when first written to.
        cap_bytes: the entries together take no more; the oldest used go first.
    """

    folder: Path
    cap_bytes: int
    _size_bytes: int | None = field(default=None, repr=False)

    def read(self, key: str) -> dict[str, torch.Tensor] | None:
        """Return an entry's tensors, on the CPU; None if it is not there or damaged. Counts as a use."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        tensors = _unpack(content)
        if tensors is None:
            logger.warning("A damaged entry of the cache is computed again: %s", path.name)
            _drop(path)
        else:
            with suppress(OSError):  # in a folder that may only be read, nothing is counted as used
                os.utime(path)
        return tensors

    def holds(self, key: str) -> bool:
        """Tell whether there is an entry under a key, sound or not."""
        return self._path(key).is_file()

    def write(self, key: str, tensors: Mapping[str, torch.Tensor], *, pack: bool = False) -> None:
        """Keep tensors under a key; `pack` compresses them (worth it for label maps, not for embeddings).

        A cache that cannot be written is no reason to stop: a full disk is logged, and the entry is left out.
        """
        content = _pack(tensors, pack=pack)
        try:
            write_file(self._path(key), content)
        except OSError as error:
            logger.warning("The cache in %s could not be written (%s); the run goes on without it.", self.folder, error.strerror)
            return
        self._make_room(len(content))

    def size_bytes(self) -> int:
        """Return what all entries take together."""
        return sum(size for _, size, _ in self._entries())

    def clear(self) -> None:
        """Drop every entry."""
        for _, _, path in self._entries():
            _drop(path)
        self._size_bytes = 0

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}{_SUFFIX}"

    def _make_room(self, added_bytes: int) -> None:
        """Add to the running size, and when the cap is passed count anew (others write too) and drop the oldest used.

        The first time, what killed workers left half written is dropped too: it would never count.
        """
        if self._size_bytes is None:
            for part, _ in broken_writes(self.folder):
                _drop(part)
        self._size_bytes = self.size_bytes() if self._size_bytes is None else self._size_bytes + added_bytes
        if self._size_bytes <= self.cap_bytes:
            return
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= _FREED_TO * self.cap_bytes:
                break
            _drop(path)
            total -= size
        self._size_bytes = total

    def _entries(self) -> list[tuple[int, int, Path]]:
        """Time of last use (ns), size and path of every entry."""
        found = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            try:
                facts = path.stat()
            except OSError:  # another process cleared it away
                continue
            found.append((facts.st_mtime_ns, facts.st_size, path))
        return found


def open_cache(settings: Settings) -> TileCache:
    """Return the cache of this installation."""
    return TileCache(settings.home.absolute() / EMBEDDINGS, int(settings.cache_gb * 1e9))


@dataclass(frozen=True)
class PhotoMemory:
    """What is known of one photo, by its id, in a cache that photos share."""

    cache: TileCache
    photo_id: str


def recall(
    memory: PhotoMemory | None, key: str, compute: Callable[[], dict[str, torch.Tensor]], *, pack: bool = False
) -> dict[str, torch.Tensor]:
    """Return what is kept of the photo under `key`, else compute it and keep it; without a memory, compute it."""
    if memory is None:
        return compute()
    full_key = f"{memory.photo_id} {key}"
    found = memory.cache.read(full_key)
    if found is None:
        found = compute()
        memory.cache.write(full_key, found, pack=pack)
    return found


def _drop(path: Path) -> None:
    """Remove a file; one that the system holds on to, as Windows does while another process reads it, stays for the next time."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _pack(tensors: Mapping[str, torch.Tensor], *, pack: bool) -> bytes:
    content = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    body = _PACKED + zlib.compress(content, 1) if pack else _PLAIN + content
    return zlib.crc32(body).to_bytes(_CRC_BYTES, "little") + body


def _unpack(content: bytes) -> dict[str, torch.Tensor] | None:
    body = content[_CRC_BYTES:]
    if zlib.crc32(body).to_bytes(_CRC_BYTES, "little") != content[:_CRC_BYTES] or body[:1] not in (_PACKED, _PLAIN):
        return None
    try:
        tensors: dict[str, torch.Tensor] = load(zlib.decompress(body[1:]) if body[:1] == _PACKED else body[1:])
    except (zlib.error, SafetensorError):  # written by another version of the program
        return None
    return tensors
