"""Fetching files: against a real server on this machine that breaks, lies and refuses."""

import errno
import hashlib
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from conftest import PATIENCE_S

from tesserae import download
from tesserae.download import Retry, fetch_file, format_size, sha256_of_file
from tesserae.errors import DownloadError

CONTENT = bytes(range(256)) * 1200  # 307,200 bytes
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = Retry(attempts=3, wait_s=0.001, timeout_s=5.0)


@dataclass
class Server:
    """What the server does; `ranges_seen` holds the Range header of each request, None where there was none."""

    content: bytes = CONTENT
    honours_ranges: bool = True
    tells_length: bool = True
    shifts_range_by: int = 0
    hides_range: bool = False
    break_after: list[int] = field(default_factory=list)  # bytes to send before hanging up, per request; then all
    statuses: list[int] = field(default_factory=list)  # answers before the first good one
    ranges_seen: list[str | None] = field(default_factory=list)
    stall: threading.Event | None = None  # instead of hanging up after `break_after`, wait for this
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    plan: ClassVar[Server]

    def do_GET(self) -> None:
        plan, wanted = self.plan, self.headers["Range"]
        plan.ranges_seen.append(wanted)
        if plan.statuses:
            self.send_error(plan.statuses.pop(0))
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and plan.honours_ranges else 0
        if start >= len(plan.content):
            self.send_error(416)
            return
        self._send(start + plan.shifts_range_by if start else 0, partial=start > 0)

    def _send(self, start: int, *, partial: bool) -> None:
        plan = self.plan
        body = plan.content[start:]
        self.send_response(206 if partial else 200)
        if partial and not plan.hides_range:
            self.send_header("Content-Range", f"bytes {start}-{len(plan.content) - 1}/{len(plan.content)}")
        if plan.tells_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not plan.break_after:
            self.wfile.write(body)
            return
        self.wfile.write(body[: plan.break_after.pop(0)])
        if plan.stall is not None:
            plan.stall.wait(timeout=10)

    def log_message(self, *args: object) -> None:
        """Keep the test output clean."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    plan = Server()
    handler = type("PlannedHandler", (Handler,), {"plan": plan})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        plan.url = f"http://127.0.0.1:{http_server.server_port}/model.pt"
        yield plan
        http_server.shutdown()
        thread.join()


@pytest.fixture
def places(tmp_path: Path) -> SimpleNamespace:
    partial_dir = tmp_path / "downloads"
    return SimpleNamespace(target=tmp_path / "weights" / "model.pt", partial_dir=partial_dir, part=partial_dir / "model.pt.part")


def fetch(server: Server, places: SimpleNamespace, **changes) -> Path:
    options = {"partial_dir": places.partial_dir, "size_bytes": SIZE, "sha256": SHA256, "retry": QUICK} | changes
    return fetch_file(server.url, places.target, **options)


def leave_part(places: SimpleNamespace, content: bytes) -> None:
    places.partial_dir.mkdir()
    places.part.write_bytes(content)


def test_a_file_arrives_complete_and_nothing_else_is_left(server, places):
    assert fetch(server, places) == places.target
    assert places.target.read_bytes() == CONTENT
    assert list(places.target.parent.iterdir()) == [places.target]
    assert list(places.partial_dir.iterdir()) == []


def test_a_file_of_unknown_size_and_hash_arrives_without_a_length(server, places):
    server.tells_length = False
    reports = []
    fetch(server, places, size_bytes=None, sha256=None, progress=lambda *report: reports.append(report))
    assert places.target.read_bytes() == CONTENT
    assert reports[0][1] == 0


def test_progress_rises_to_the_total(server, places):
    reports = []
    fetch(server, places, progress=lambda done, total: reports.append((done, total)))
    assert reports == sorted(reports)
    assert reports[-1] == (SIZE, SIZE)


def test_an_existing_target_is_replaced_only_at_the_end(server, places):
    places.target.parent.mkdir()
    places.target.write_bytes(b"old")
    server.statuses = [404]
    with pytest.raises(DownloadError):
        fetch(server, places)
    assert places.target.read_bytes() == b"old"
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT


def test_broken_connections_are_taken_up_where_they_broke(server, places):
    server.break_after = [100_000, 50_000]
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT
    assert server.ranges_seen == [None, "bytes=100000-", "bytes=150000-"]


def test_progress_after_each_break_resets_the_patience(server, places):
    server.break_after = [40_000] * 6  # twice as many breaks as attempts
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT


def test_a_part_of_an_earlier_run_is_continued(server, places):
    leave_part(places, CONTENT[:200_000])
    reports = []
    fetch(server, places, progress=lambda *report: reports.append(report))
    assert places.target.read_bytes() == CONTENT
    assert server.ranges_seen == ["bytes=200000-"]
    assert reports[0][0] > 200_000


def test_a_complete_part_is_not_asked_for_again(server, places):
    leave_part(places, CONTENT)
    fetch(server, places)
    assert server.ranges_seen == []
    assert places.target.read_bytes() == CONTENT


def test_a_part_larger_than_the_file_is_dropped(server, places):
    leave_part(places, CONTENT + b"more")
    fetch(server, places)
    assert server.ranges_seen == [None]
    assert places.target.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(server, places):
    server.honours_ranges = False
    server.break_after = [100_000]
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT


def test_a_server_without_ranges_that_always_breaks_ends_in_an_error(server, places):
    server.honours_ranges = False
    server.break_after = [100_000] * 20
    with pytest.raises(DownloadError, match=r"stopped after 100,000 bytes of 307,200 bytes.*3 times"):
        fetch(server, places)
    assert len(server.ranges_seen) == 3


def test_a_part_that_the_server_cannot_continue_is_fetched_anew(server, places):
    leave_part(places, CONTENT + b"more")
    fetch(server, places, size_bytes=None)
    assert server.ranges_seen == [f"bytes={SIZE + 4}-", None]
    assert places.target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"shifts_range_by": 7}, "went on from byte 100007 instead of 100000", id="another range"),
        pytest.param({"hides_range": True}, "without saying which", id="no Content-Range"),
    ],
)
def test_a_wrong_range_is_not_appended(server, places, changes, words):
    for name, value in changes.items():
        setattr(server, name, value)
    leave_part(places, CONTENT[:100_000])
    with pytest.raises(DownloadError, match=words):
        fetch(server, places)
    assert places.part.read_bytes() == CONTENT[:100_000]


def test_a_connection_that_stays_broken_keeps_what_arrived(server, places):
    server.break_after = [100_000, 0, 0, 0]
    with pytest.raises(DownloadError, match="100,000 bytes are kept"):
        fetch(server, places)
    assert places.part.read_bytes() == CONTENT[:100_000]
    assert not places.target.exists()


def test_a_silent_server_counts_as_broken(places, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as silent:  # accepts, but nobody answers
        url = f"http://127.0.0.1:{silent.server_port}/model.pt"
        with pytest.raises(DownloadError, match=r"timed out.*Tried 1 times"):
            fetch_file(url, places.target, partial_dir=places.partial_dir, retry=Retry(attempts=1, timeout_s=0.05))


def test_a_transfer_that_stalls_is_taken_up_again(server, places):
    server.break_after, server.stall = [100_000], threading.Event()
    fetch(server, places, retry=Retry(attempts=3, wait_s=0.001, timeout_s=0.3))
    server.stall.set()
    assert places.target.read_bytes() == CONTENT
    assert server.ranges_seen == [None, "bytes=100000-"]


def test_a_server_that_is_not_there(places, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as gone:
        url = f"http://127.0.0.1:{gone.server_port}/model.pt"
    with pytest.raises(DownloadError, match=r"cannot be reached.*Check the network"):
        fetch_file(url, places.target, partial_dir=places.partial_dir, retry=QUICK)


def test_another_content_is_deleted_and_both_hashes_are_named(server, places):
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadError, match=f"{SHA256}, found {hashlib.sha256(server.content).hexdigest()}"):
        fetch(server, places)
    assert not places.part.exists()
    assert not places.target.exists()


def test_a_file_that_changed_between_two_runs_is_deleted(server, places):
    leave_part(places, b"x" * 100_000)
    with pytest.raises(DownloadError, match="not the published file"):
        fetch(server, places)
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT


def test_another_announced_size_is_refused_before_anything_is_fetched(server, places):
    server.content = b"<html>please log in</html>"
    with pytest.raises(DownloadError, match="expected 307,200 bytes, found 26 bytes"):
        fetch(server, places)
    assert not places.part.exists()


def test_more_than_expected_without_an_announced_size_is_deleted(server, places):
    server.content, server.tells_length = CONTENT + b"more", False
    with pytest.raises(DownloadError, match="expected 307,200 bytes, found"):
        fetch(server, places)
    assert not places.part.exists()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "wants a log-in"),
        (403, "refuses this address"),
        (404, "no such file"),
        (407, "proxy wants"),
        (410, "no longer offered"),
        (416, "status 416"),
        (418, "status 418"),
    ],
)
def test_a_refusal_is_a_sentence_and_not_tried_again(server, places, status, words):
    server.statuses = [status] * 5
    with pytest.raises(DownloadError, match=f"{words}.*copy it here"):
        fetch(server, places)
    assert len(server.ranges_seen) == 1


def test_a_busy_server_is_asked_again(server, places):
    server.statuses = [503, 429]
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT


def test_a_certificate_that_is_not_trusted_is_not_tried_again(places, monkeypatch):
    calls = []

    def refuse(*_args, **_options):
        calls.append(1)
        error = download.ssl.SSLCertVerificationError()
        error.verify_message = "self-signed certificate"
        raise urllib.error.URLError(error)

    monkeypatch.setattr(download.urllib.request, "urlopen", refuse)
    with pytest.raises(DownloadError, match=r"not trusted \(self-signed certificate\).*SSL_CERT_FILE"):
        fetch_file("https://example.org/model.pt", places.target, partial_dir=places.partial_dir, retry=QUICK)
    assert calls == [1]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "model.pt", "ftp://example.org/model.pt"])
def test_only_web_addresses_are_opened(places, url):
    with pytest.raises(DownloadError, match="not a web address"):
        fetch_file(url, places.target, partial_dir=places.partial_dir)


def test_cancelling_keeps_the_part(server, places):
    class Cancelled(Exception):
        pass

    def cancel(_done: int, _total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fetch(server, places, progress=cancel)
    assert CONTENT.startswith(places.part.read_bytes())
    assert places.part.stat().st_size > 0
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT


def test_too_little_room_is_said_before_anything_is_fetched(server, places, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    with pytest.raises(DownloadError, match="expected 307,200 bytes, found 1,000 bytes free"):
        fetch(server, places)
    assert server.ranges_seen == []


def test_room_is_needed_only_for_the_rest(server, places, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    leave_part(places, CONTENT[:-1000])
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT


FETCH_WITH_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from tesserae.download import Retry, fetch_file
from tesserae.errors import DownloadError

resource.setrlimit(resource.RLIMIT_FSIZE, (123_456, 123_456))
try:
    fetch_file(sys.argv[1], Path(sys.argv[2]), partial_dir=Path(sys.argv[3]), size_bytes=int(sys.argv[4]))
except DownloadError as error:
    sys.stdout.write(str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
def test_a_write_that_the_system_cuts_off_keeps_what_arrived(server, places):
    """The kernel lets the file grow no further: a short write first, then an error, as on a full disk."""
    arguments = [server.url, str(places.target), str(places.partial_dir), str(SIZE)]
    finished = subprocess.run(
        [sys.executable, "-c", FETCH_WITH_LITTLE_ROOM, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    assert "disk ran full" in finished.stdout
    assert "make room" in finished.stdout
    assert places.part.read_bytes() == CONTENT[:123_456]
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT
    assert server.ranges_seen == [None, "bytes=123456-"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_without_room(server, places):
    places.partial_dir.mkdir()
    places.part.symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="disk ran full"):
        fetch(server, places)


@pytest.mark.parametrize("folder", ["weights", "downloads"])
def test_a_file_where_a_folder_should_be(server, places, tmp_path, folder):
    (tmp_path / folder).write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be made"):
        fetch(server, places)


def test_a_folder_where_the_target_should_be(server, places):
    (places.target / "inside").mkdir(parents=True)
    with pytest.raises(DownloadError, match="could not be written"):
        fetch(server, places)


def pretend_two_disks(monkeypatch: pytest.MonkeyPatch, places: SimpleNamespace) -> None:
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


def test_between_two_disks_the_file_is_copied_and_appears_at_once(server, places, monkeypatch):
    pretend_two_disks(monkeypatch, places)
    fetch(server, places)
    assert places.target.read_bytes() == CONTENT
    assert list(places.target.parent.iterdir()) == [places.target]
    assert not places.part.exists()


def test_a_full_second_disk_leaves_nothing_half_done(server, places, monkeypatch):
    pretend_two_disks(monkeypatch, places)

    def fill(_source: Path, copy: Path) -> None:
        copy.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.shutil, "copyfile", fill)
    with pytest.raises(DownloadError, match="disk ran full"):
        fetch(server, places)
    assert list(places.target.parent.iterdir()) == []
    assert places.part.read_bytes() == CONTENT


def test_room_is_needed_on_both_disks(server, places, monkeypatch):
    if not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == places.target.parents[1].stat().st_dev:
        pytest.skip("needs a second file system")
    monkeypatch.setattr(
        download.shutil,
        "disk_usage",
        lambda folder: SimpleNamespace(free=10 if folder == places.target.parent else SIZE),
    )
    with pytest.raises(DownloadError, match="weights: expected 307,200 bytes, found 10 bytes"):
        fetch(server, places, partial_dir=Path("/dev/shm"))


def test_the_hash_of_a_file_larger_than_one_piece(tmp_path):
    content = b"tessera" * 200_000
    (tmp_path / "file").write_bytes(content)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 bytes"), (999_999, "999,999 bytes"), (897_952_466, "897,952,466 bytes (898 MB)")],
)
def test_sizes_are_readable(size_bytes, text):
    assert format_size(size_bytes) == text
