"""Fetches one file over HTTP: resumes, checks size and SHA-256, puts it in place at once; knows no checkpoints.

Only the standard library's urllib is used, so the proxy settings of the system (HTTPS_PROXY and the like) are honoured.
"""

import errno
import hashlib
import http
import http.client
import logging
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tesserae.errors import DownloadError

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

CHUNK_BYTES = 1 << 20
_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-")
_REPORT_EVERY_S = 0.1
_PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Retry:
    """How patiently a broken connection is taken up again.

    Attributes:
        attempts: tries without a single new byte before giving up.
        wait_s: pause before the second try; doubles with each further one, up to 30 s.
        timeout_s: silence after which a connection counts as broken.
    """

    attempts: int = 5
    wait_s: float = 1.0
    timeout_s: float = 30.0


class _BrokenConnection(Exception):
    """The transfer stopped early in a way that may pass; the text says how."""


class _NothingThere(Exception):
    """The server has no bytes after those in the unfinished file."""


def fetch_file(
    url: str,
    target: Path,
    *,
    partial_dir: Path,
    size_bytes: int | None = None,
    sha256: str | None = None,
    progress: Progress | None = None,
    retry: Retry | None = None,
) -> Path:
    """Download `url` to `target`, resuming what an earlier try left behind.

    Until it is complete and checked, the file lies in `partial_dir` as `<name>.part`; it stays there when the disk is
    full, the connection fails for good, or `progress` raises (the way to cancel), and is deleted when its content is
    wrong. An existing `target` is replaced.

    Args:
        url: an http or https address.
        target: where the file shall be; its folder is created.
        partial_dir: folder for the unfinished file; created. Best on the same disk as `target`.
        size_bytes: expected size; None if unknown.
        sha256: expected hash in hex; None if unknown.
        progress: called with (bytes so far, bytes in total; 0 if unknown) after each piece.
        retry: patience with broken connections; None for the usual.

    Returns:
        `target`.

    Raises:
        DownloadError: no network, refused, disk full, or another content than expected.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise DownloadError(f"'{url}' is not a web address. Expected http:// or https://; correct the checkpoint address.")
    part = partial_dir / f"{target.name}.part"
    _make_folders(partial_dir, target.parent)
    _check_free_space(part, target, size_bytes)
    _transfer_with_retries(url, part, size_bytes, progress, retry or Retry())
    _check_content(part, url, size_bytes, sha256)
    _move_into_place(part, target)
    logger.info("Fetched %s to %s.", url, target)
    return target


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file in hex, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def format_size(size_bytes: int) -> str:
    """Return a size for people: "897,952,466 bytes (898 MB)"; below a megabyte "1,234 bytes"."""
    exact = f"{size_bytes:,} bytes"
    return f"{exact} ({size_bytes / 1e6:.0f} MB)" if size_bytes >= 1_000_000 else exact


def _make_folders(*folders: Path) -> None:
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DownloadError(
                f"The folder {folder} cannot be made ({error.strerror}). Make it, or allow this user to write there."
            ) from error


def _check_free_space(part: Path, target: Path, size_bytes: int | None) -> None:
    if size_bytes is None:
        return
    needs = {part.parent: max(size_bytes - _size_of(part), 0)}
    if part.parent.stat().st_dev != target.parent.stat().st_dev:
        needs[target.parent] = size_bytes
    for folder, needed in needs.items():
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise DownloadError(
                f"There is too little room on the disk of {folder}: expected {format_size(needed)}, "
                f"found {format_size(free)} free. Make room, then fetch again."
            )


def _transfer_with_retries(url: str, part: Path, size_bytes: int | None, progress: Progress | None, retry: Retry) -> None:
    """Transfer until complete; a try that brought new bytes starts the count of failures again."""
    failures, most_bytes = 0, _size_of(part)
    while True:
        try:
            return _transfer(url, part, size_bytes, progress, retry.timeout_s)
        except _BrokenConnection as error:
            # More than ever before, not more than at the start of this try: against a server without ranges, which
            # begins anew each time and breaks at the same place, the tries must come to an end.
            failures = 1 if _size_of(part) > most_bytes else failures + 1
            most_bytes = max(most_bytes, _size_of(part))
            if failures >= retry.attempts:
                raise DownloadError(
                    f"{url} could not be fetched: {error} Tried {retry.attempts} times without progress; "
                    f"{format_size(_size_of(part))} are kept. Check the network and any proxy, then fetch again: "
                    "it goes on from there."
                ) from error
            logger.warning("The connection to %s broke: %s Trying again.", url, error)
            time.sleep(min(retry.wait_s * 2 ** (failures - 1), 30.0))


def _transfer(url: str, part: Path, size_bytes: int | None, progress: Progress | None, timeout_s: float) -> None:
    """Fetch what is missing of the file in one connection."""
    if size_bytes is not None and _size_of(part) > size_bytes:
        part.unlink()
    if size_bytes is not None and _size_of(part) == size_bytes:
        return
    with _open_after(url, part, timeout_s) as response:
        start = _start_of(response)
        if start not in (0, _size_of(part)):
            raise _BrokenConnection(f"The server went on from byte {start} instead of {_size_of(part)}.")
        total = _total_of(response, start)
        if size_bytes is not None and total is not None and total != size_bytes:
            part.unlink(missing_ok=True)
            raise DownloadError(
                f"{url} has another size: expected {format_size(size_bytes)}, found {format_size(total)}. "
                "A log-in page or a proxy may have answered instead; check the address, then fetch again."
            )
        with _explained_disk_errors(part):
            stream = part.open("ab" if start else "wb", buffering=0)
        with stream:
            _copy(response, stream, start, size_bytes if total is None else total, progress)


def _open_after(url: str, part: Path, timeout_s: float) -> http.client.HTTPResponse:
    """Ask for what follows the bytes in `part`; if the server has nothing there, drop them and ask for everything."""
    try:
        return _open_url(url, _size_of(part), timeout_s)
    except _NothingThere:
        logger.warning("%s does not continue the unfinished file; it is fetched anew.", url)
        part.unlink()
        return _open_url(url, 0, timeout_s)


def _open_url(url: str, offset: int, timeout_s: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": "tesserae", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            raise _NothingThere from error
        raise _status_error(url, error.code) from error
    except urllib.error.URLError as error:
        raise _network_error(url, error.reason) from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenConnection(f"The server did not answer ({error}).") from error
    return response


def _status_error(url: str, status: int) -> Exception:
    if status in _PASSING_STATUS:
        return _BrokenConnection(f"The server answered with status {status}, which may pass.")
    reason = {
        401: "The server wants a log-in (status 401).",
        403: "The server refuses this address (status 403).",
        404: "The server has no such file (status 404).",
        407: "The proxy wants a log-in (status 407).",
        410: "The file is no longer offered (status 410).",
    }.get(status, f"The server answered with status {status}.")
    return DownloadError(
        f"{url} could not be fetched. {reason} Check the address and the proxy, or fetch the file on another machine and copy it here."
    )


def _network_error(url: str, reason: str | BaseException) -> Exception:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            f"{url} could not be fetched: the server's certificate is not trusted ({reason.verify_message}). A proxy "
            "of your institution may stand between: ask its administrator for the certificate and name its file in "
            "SSL_CERT_FILE."
        )
    return _BrokenConnection(f"The server cannot be reached ({reason}).")


def _start_of(response: http.client.HTTPResponse) -> int:
    """Return the position of the first byte in the answer; 0 if the server ignored the range that was asked for."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return 0
    match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    if match is None:
        raise _BrokenConnection("The server sent a part of the file without saying which.")
    return int(match[1])


def _total_of(response: http.client.HTTPResponse, start: int) -> int | None:
    """Return the size of the whole file in bytes as the server says; None if it does not say."""
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _copy(response: http.client.HTTPResponse, stream: IO[bytes], start: int, total: int | None, progress: Progress | None) -> None:
    """Write the answer piece by piece; `start` and `total` are positions in the whole file, in bytes."""
    done, next_report_s = start, 0.0
    while piece := _read_piece(response):
        with _explained_disk_errors(Path(stream.name)):
            _write(stream, piece)
        done += len(piece)
        if progress is not None and (time.monotonic() >= next_report_s or done == total):
            progress(done, total or 0)
            next_report_s = time.monotonic() + _REPORT_EVERY_S
        if total is not None and done > total:
            break
    if total is not None and done < total:
        raise _BrokenConnection(f"It stopped after {format_size(done)} of {format_size(total)}.")
    with _explained_disk_errors(Path(stream.name)):
        os.fsync(stream.fileno())


def _read_piece(response: http.client.HTTPResponse) -> bytes:
    """Read what has arrived; `read1`, since `read` would lose up to a whole piece when the connection is reset."""
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenConnection(f"It broke off ({error}).") from error


def _write(stream: IO[bytes], piece: bytes) -> None:
    """Write all of `piece` to an unbuffered stream, which may take less than offered when the disk runs full."""
    rest = memoryview(piece)
    while rest:
        rest = rest[stream.write(rest) :]


@contextmanager
def _explained_disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError on `path` into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise DownloadError(
                f"The disk ran full while writing {path} ({error.strerror}). What has arrived is kept: make room, then "
                "fetch again and it goes on from there."
            ) from error
        raise DownloadError(
            f"{path} could not be written ({error.strerror}). Check that the folder exists and that this user may "
            "write there, then fetch again."
        ) from error


def _check_content(part: Path, url: str, size_bytes: int | None, sha256: str | None) -> None:
    """Delete the file and raise if its size or its hash is not the expected one."""
    expected, found = "", ""
    if size_bytes is not None and _size_of(part) != size_bytes:
        expected, found = format_size(size_bytes), format_size(_size_of(part))
    elif sha256 is not None and (actual := sha256_of_file(part)) != sha256.lower():
        expected, found = f"SHA-256 {sha256.lower()}", actual
    if expected:
        part.unlink()
        raise DownloadError(
            f"What {url} sent is not the published file: expected {expected}, found {found}. The download was deleted. "
            "Fetch again; if it happens twice, the file was changed at its source or on the way: do not use it."
        )


def _move_into_place(part: Path, target: Path) -> None:
    """Rename to `target`; across disks, where that is impossible, copy beside it first, so that it appears at once."""
    with _explained_disk_errors(target):
        try:
            part.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_across(part, target)


def _copy_across(part: Path, target: Path) -> None:
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(part, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    part.unlink()


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
