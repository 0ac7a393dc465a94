"""The page as a process of its own, for what drives it in a real browser: benchmarks and tests."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launch import end_children
from tesserae.errors import TesseraeError
from tesserae.settings import PROJECT_DIR

LOG_FILE = "server.log"

_ASK_EVERY_S = 0.1


@dataclass(frozen=True)
class WebProcess:
    """The process of a page that answers.

    Attributes:
        pid: of the process.
        address: of the page.
    """

    pid: int
    address: str

    def forget_peak(self) -> None:
        """Let the peak of memory begin anew, where the system allows it."""
        try:
            Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            return

    def cpu_s(self) -> float | None:
        """Processor time so far in all threads; None where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> tuple[float | None, float | None]:
        """Resident memory now and at its peak, MB (10^6 bytes); None where the system does not tell."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return None, None
        return read_status(status)


@contextmanager
def serve_page(home: Path, script: str = "app.py", *, patience_s: float = 600.0) -> Iterator[WebProcess]:
    """Run a page on the collection in `home`, and end it afterwards; its log lies there too.

    Raises TesseraeError when it does not answer within `patience_s`.
    """
    address = f"http://127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", address.rpartition(":")[2]]
    environment = os.environ | {"TESSERAE_HOME": str(home), "PYTHONPATH": str(PROJECT_DIR)}
    with (home / LOG_FILE).open("wb") as log:
        server = subprocess.Popen(command, cwd=PROJECT_DIR, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_healthy(server, address, home / LOG_FILE, patience_s)
        yield WebProcess(server.pid, address)
    finally:
        end_children([server])  # Streamlit does not always end when it is asked to


def read_status(status: str) -> tuple[float | None, float | None]:
    """Resident memory now and at its peak in MB, from the text of /proc/PID/status."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    now_mb, peak_mb = (int(fields[name].split()[0]) * 1024 / 1e6 if name in fields else None for name in ("VmRSS", "VmHWM"))
    return now_mb, peak_mb


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_healthy(server: subprocess.Popen[bytes], address: str, log: Path, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(_ASK_EVERY_S)
    said = log.read_text(encoding="utf-8", errors="replace")
    raise TesseraeError(f"Expected the page to answer at {address} within {patience_s:.0f} s, it did not. It said:\n{said}")
