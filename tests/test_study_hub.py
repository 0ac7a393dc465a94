"""Fetching a data set from a hub on this machine: layout, resuming, checks, and what to do without one."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

from tesserae.download import Retry
from tesserae.errors import DownloadError
from tesserae.study.hub import AUTHORS_REPOSITORY, fetch_dataset, list_files

QUICK = Retry(attempts=2, wait_s=0.001, timeout_s=5.0)
PHOTO, MASK = b"photo" * 9000, b"mask" * 40


@pytest.fixture
def hub(monkeypatch):
    """A hub with one photo and one mask; `answers` by path may be changed, `asked` holds what was asked for with its range."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    listing = {
        "sha": "abc1",
        "siblings": [
            {"rfilename": "README.md", "size": 3},
            {
                "rfilename": "images/a wall.jpg",
                "size": len(PHOTO),
                "lfs": {"sha256": hashlib.sha256(PHOTO).hexdigest(), "size": len(PHOTO), "pointerSize": 130},
            },
            {"rfilename": "masks/a wall.png", "size": len(MASK)},
        ],
    }
    base = f"/datasets/{AUTHORS_REPOSITORY}/resolve/abc1"
    answers = {
        f"/api/datasets/{AUTHORS_REPOSITORY}": json.dumps(listing).encode(),
        f"{base}/images/a wall.jpg": PHOTO,
        f"{base}/masks/a wall.png": MASK,
    }
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = unquote(urlsplit(self.path).path)
            asked.append((path, self.headers["Range"]))
            if path not in answers:
                self.send_error(404)
                return
            start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            content = answers[path]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:])

        def log_message(self, *args):
            """Keep the test output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", answers, asked
        server.shutdown()
        thread.join()


def fetch(hub, folder):
    return fetch_dataset(AUTHORS_REPOSITORY, folder, hub[0], lambda _share: None, QUICK)


def test_photos_and_masks_are_fetched_once_and_a_broken_file_goes_on(hub, tmp_path):
    part = tmp_path / ".part" / "a wall.jpg.part"
    part.parent.mkdir()
    part.write_bytes(PHOTO[:100])
    assert fetch(hub, tmp_path) == "abc1"
    assert (tmp_path / "images" / "a wall.jpg").read_bytes() == PHOTO
    assert (tmp_path / "masks" / "a wall.png").read_bytes() == MASK
    _, _, asked = hub
    assert [start for path, start in asked if path.endswith("wall.jpg")] == ["bytes=100-"]
    fetch(hub, tmp_path)
    assert len(asked) == 4  # the listing, and nothing else


def test_a_file_that_is_not_the_listed_one_is_refused(hub, tmp_path):
    _, answers, _ = hub
    path = next(path for path in answers if path.endswith("jpg"))
    answers[path] = b"other" * 9000
    with pytest.raises(DownloadError, match="is not the published file: expected SHA-256"):
        fetch(hub, tmp_path)
    assert not (tmp_path / "images" / "a wall.jpg").exists()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "The server has no such file"),
        (b"<html>", "is not what was expected"),
        (b'{"sha": "abc1"}', "is not what was expected"),
        (b'{"sha": "abc1", "siblings": [{"rfilename": "data.parquet"}]}', "Expected files in images/ and masks/"),
    ],
    ids=["gone", "no JSON", "no files named", "another layout"],
)
def test_what_cannot_be_had_is_to_be_brought_by_hand(hub, tmp_path, answer, message):
    _, answers, _ = hub
    path = f"/api/datasets/{AUTHORS_REPOSITORY}"
    answers.pop(path)
    if answer is not None:
        answers[path] = answer
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(hub, tmp_path)
    assert f"By hand: open {hub[0]}/datasets/{AUTHORS_REPOSITORY}" in str(caught.value)


def test_names_in_several_places_are_told_apart():
    paths = ["train/images/a.jpg", "train/masks/a.png", "test/images/a.jpg", "test/masks/a.png", "test/images/.hidden", "notes/a.txt"]
    found = list_files({"siblings": [{"rfilename": path} for path in paths]})
    assert [file.target for file in found] == ["images/train_a.jpg", "masks/train_a.png", "images/test_a.jpg", "masks/test_a.png"]
