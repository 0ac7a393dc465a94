"""Install, start, test, lint and measure Tesserae on Linux, macOS and Windows; needs only Python's standard library.

    python3 launch.py install                 create .venv and install everything into it
    python3 launch.py run [--port N] [...]    install what is missing, then start page and worker (rest goes to Streamlit)
    python3 launch.py test [...]              the whole suite with coverage; with arguments, plain pytest with them
    python3 launch.py lint [...]              ruff, mypy and the import contracts (arguments go to `ruff check`)
    python3 launch.py bench [...]             the benchmarks

Stamp files in .venv tell what is installed, so that a second start takes no time. They are written last: an
installation that was interrupted goes on where it stopped. TESSERAE_TORCH_INDEX, if set, is the package index of torch
and torchvision only (the standard Linux build carries the CUDA libraries; an index of CPU builds is much smaller).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

PROJECT_DIR = Path(__file__).resolve().parent
VENV_DIR = PROJECT_DIR / ".venv"
RUN_REQUIREMENTS = "requirements.txt"
DEV_REQUIREMENTS = "requirements-dev.txt"

# The pinned packages have ready-made wheels for these versions only.
OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 14)

TOOLING = ("setuptools", "wheel")
TORCH = ("torch", "torchvision")
PATIENCE_S = 5.0
INTERRUPTED = 130

WORKER_REFUSED = 2  # what the worker says when it cannot begin; its own sentence tells why
WORKER_STARTS = 5  # so often it is started again when it dies soon after each start
WORKER_SOUND_S = 60.0  # one that lived so long did not die of its start
LOOK_EVERY_S = 0.2

MOST_TEST_PROCESSES = 5  # each takes about a gigabyte of memory, and loads the libraries for itself

BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER_PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)
BROWSER_ADVICE = (
    "The browser tests need Chromium or Chrome and will fail without it: install it (Debian and Ubuntu: "
    "sudo apt-get install chromium), or give its path in TESSERAE_CHROMIUM."
)


class LaunchError(Exception):
    """A sentence for the user: what was expected, what was found, what to do next."""


@dataclass(frozen=True)
class Step:
    """One call of pip: a title for the user, the arguments after `python -m pip`, and extra environment variables."""

    title: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


# --- What to install ----------------------------------------------------------------------------------------------


def python_refusal(version: tuple[int, int]) -> str | None:
    """Return why this Python cannot be used, in a sentence, or None if it can."""
    if OLDEST_PYTHON <= version <= NEWEST_PYTHON:
        return None
    oldest, newest, found = (f"{major}.{minor}" for major, minor in (OLDEST_PYTHON, NEWEST_PYTHON, version))
    return (
        f"Tesserae needs Python {oldest} to {newest}, but this is Python {found}. "
        f"Install Python {oldest} and start the launcher with it: python{oldest} launch.py run "
        f"(with make: make run PYTHON=python{oldest})."
    )


def read_pins(text: str) -> dict[str, str]:
    """Return {package: "package==version"} of a requirement file; raise LaunchError where a line is no exact pin."""
    pins = {}
    for line in text.splitlines():
        requirement = line.split("#")[0].strip()
        if not requirement:
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==[A-Za-z0-9.]+", requirement)
        if match is None:
            raise LaunchError(f"A requirement must be pinned as name==version, but one reads: {requirement}")
        pins[match.group(1)] = requirement
    return pins


def install_steps(pins: Mapping[str, str], *, dev: bool, torch_index: str | None) -> list[Step]:
    """Return the calls of pip in the order that works: the build of sam2 imports torch and finds it only unisolated."""
    missing = [name for name in (*TOOLING, *TORCH, "sam2") if name not in pins]
    if missing:
        raise LaunchError(f"{RUN_REQUIREMENTS} must pin {', '.join(missing)}; restore the file and start again.")
    constraints = ("-c", RUN_REQUIREMENTS)
    index = ("--index-url", torch_index) if torch_index else ()
    steps = [
        Step("build tools", ("install", *(pins[name] for name in TOOLING))),
        Step("torch", ("install", *index, *constraints, *(pins[name] for name in TORCH))),
        Step("sam2", ("install", "--no-build-isolation", *constraints, pins["sam2"]), {"SAM2_BUILD_CUDA": "0"}),
        Step("everything else", ("install", "-r", RUN_REQUIREMENTS)),
    ]
    if dev:
        steps.append(Step("test and lint tools", ("install", "-r", DEV_REQUIREMENTS, *constraints)))
    return steps


def fingerprint(requirement_texts: Sequence[str], version: tuple[int, int]) -> str:
    """Return the sha256 (hex) of the requirement files and the Python version: what a stamp file holds."""
    parts = [f"python {version[0]}.{version[1]}", *requirement_texts]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_stamped(stamp: Path, expected: str) -> bool:
    """Say whether the stamp file is there and holds the expected fingerprint."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == expected


def write_stamp(stamp: Path, value: str) -> None:
    """Write the stamp file by replacing it, so that it is never half there."""
    partial = stamp.with_name(stamp.name + ".part")
    partial.write_text(value + "\n", encoding="utf-8")
    partial.replace(stamp)


# --- The virtual environment ----------------------------------------------------------------------------------------


def venv_python(venv_dir: Path, os_name: str) -> Path:
    """Return the path of the environment's Python; os_name is os.name ("nt" on Windows)."""
    return venv_dir / "Scripts" / "python.exe" if os_name == "nt" else venv_dir / "bin" / "python"


def venv_version(config: str) -> tuple[int, int] | None:
    """Return (major, minor) from the text of a pyvenv.cfg, or None where it does not say."""
    match = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", config, re.MULTILINE)
    return (int(match.group(1)), int(match.group(2))) if match else None


def is_usable_venv(venv_dir: Path, version: tuple[int, int]) -> bool:
    """Say whether the environment is of this Python version and its pip starts (its creation may have been cut off)."""
    config, python = venv_dir / "pyvenv.cfg", venv_python(venv_dir, os.name)
    if not config.is_file() or not python.exists() or venv_version(config.read_text(encoding="utf-8")) != version:
        return False
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:  # not a program: half written, or made on another system
        return False


def create_venv(venv_dir: Path) -> None:
    """Create the environment, replacing an unusable one."""
    print(f"Creating {venv_dir.name} with Python {sys.version_info[0]}.{sys.version_info[1]}", flush=True)
    code = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv_dir)], check=False).returncode
    if code != 0:
        raise LaunchError(
            "Python could not create a virtual environment in .venv; its own message stands above. "
            "On Debian and Ubuntu the package python3-venv is often missing: install it and start again."
        )


def install(*, dev: bool) -> None:
    """Bring .venv to the pinned packages; do nothing where the stamp says that they are there already."""
    version = (sys.version_info[0], sys.version_info[1])
    refusal = python_refusal(version)
    if refusal:
        raise LaunchError(refusal)
    names = [RUN_REQUIREMENTS, DEV_REQUIREMENTS] if dev else [RUN_REQUIREMENTS]
    texts = [(PROJECT_DIR / name).read_text(encoding="utf-8") for name in names]
    run_stamp, dev_stamp = VENV_DIR / "tesserae-run.stamp", VENV_DIR / "tesserae-dev.stamp"
    wanted = {run_stamp: fingerprint(texts[:1], version)}
    if dev:
        wanted[dev_stamp] = fingerprint(texts, version)
    if venv_python(VENV_DIR, os.name).exists() and all(is_stamped(stamp, value) for stamp, value in wanted.items()):
        return
    if not is_usable_venv(VENV_DIR, version):
        create_venv(VENV_DIR)
    for stamp in (run_stamp, dev_stamp):  # a stamp must not outlive the packages it stands for
        stamp.unlink(missing_ok=True)
    run_steps(install_steps(read_pins(texts[0]), dev=dev, torch_index=os.environ.get("TESSERAE_TORCH_INDEX")))
    for stamp, value in wanted.items():
        write_stamp(stamp, value)


def run_steps(steps: Sequence[Step]) -> None:
    """Call pip for each step in turn; raise LaunchError at the first that fails."""
    python = str(venv_python(VENV_DIR, os.name))
    for number, step in enumerate(steps, start=1):
        print(f"Installing {number}/{len(steps)}: {step.title}", flush=True)
        command = [python, "-m", "pip", *step.arguments]
        code = run_child(command, {"PIP_DISABLE_PIP_VERSION_CHECK": "1", **step.environment})
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code != 0:
            raise LaunchError(
                f"Installing {step.title} failed; pip's own message stands above. Check the network connection and "
                "the free disk space (about 8 GB), then start the same command again: it goes on from here. "
                "Should it fail once more, delete the folder .venv first."
            )


# --- The commands -----------------------------------------------------------------------------------------------------


def streamlit_command(python: str, arguments: Sequence[str]) -> list[str]:
    """Return the command line of the page; `--port N` is short for Streamlit's own option, the rest is passed on."""
    translated = [re.sub(r"^--port(?==|$)", "--server.port", argument) for argument in arguments]
    return [python, "-m", "streamlit", "run", "app.py", *translated]


def worker_command(python: str) -> list[str]:
    """Return the command line of the worker, which does the long jobs of the page."""
    return [python, "-m", "tesserae", "worker"]


def pytest_command(python: str, arguments: Sequence[str], cores: int | None) -> list[str]:
    """Return the command line of the tests; without arguments the whole suite on all cores, with its coverage floor.

    One process more than there are cores, for some tests wait for browsers and workers; groups are those of tests/conftest.py.
    """
    processes = min((cores or 1) + 1, MOST_TEST_PROCESSES)
    whole = ["-n", str(processes), "--dist", "loadscope", "--no-loadscope-reorder", "--cov", "--cov-report=term-missing:skip-covered"]
    return [python, "-m", "pytest", *(arguments or whole)]


def lint_commands(python: str, arguments: Sequence[str]) -> list[list[str]]:
    """Return the command lines of the linters in order; their settings stand in pyproject.toml."""
    return [
        [python, "-m", "ruff", "check", *arguments],
        [python, "-m", "ruff", "format", "--check"],
        [python, "-m", "mypy"],
        [python, "-c", "import sys, importlinter.cli as cli; sys.exit(cli.lint_imports_command())", "--no-logo"],
    ]


def bench_command(python: str, arguments: Sequence[str]) -> list[str]:
    """Return the command line of the benchmarks."""
    return [python, "-m", "benchmarks", *arguments]


def find_browser(environment: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Return the path of a Chromium or Chrome for the browser tests (TESSERAE_CHROMIUM decides), or None."""
    named = environment.get("TESSERAE_CHROMIUM")
    if named:
        return named if Path(named).is_file() else None
    found = (which(name) for name in BROWSER_NAMES)
    places = (place for place in BROWSER_PLACES if Path(place).is_file())
    return next((path for path in found if path), None) or next(places, None)


def run_child(command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Run a command in the project folder until it ends, and return its exit status (INTERRUPTED after Ctrl-C).

    A request to end the launcher (SIGTERM) is handed to the child. Ctrl-C reaches the child from the terminal by
    itself: it gets PATIENCE_S seconds to end, is then asked to, and is killed after as long again or a second Ctrl-C.
    """
    child = start_child(command, environment or {})

    def hand_on(_number: int, _frame: FrameType | None) -> None:
        child.terminate()

    previous = signal.signal(signal.SIGTERM, hand_on)
    try:
        return child.wait()
    except KeyboardInterrupt:
        end_children([child], patience_s=PATIENCE_S)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, previous)


def run_with_worker(page: Sequence[str], worker: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run page and worker in the project folder until the page ends, and return its exit status (INTERRUPTED after Ctrl-C).

    A worker that dies is started again. Whatever ends the page, Ctrl-C or a request to end the launcher (SIGTERM) ends both.
    """
    told_to_end: list[int] = []
    previous = signal.signal(signal.SIGTERM, lambda number, _frame: told_to_end.append(number))
    keeper = WorkerKeeper(worker, environment)
    children: list[subprocess.Popen[bytes]] = []
    interrupted = False
    try:
        children.append(keeper.start())
        children.append(start_child(page, environment))
        while children[1].poll() is None and not told_to_end:
            children[0] = keeper.look_after(children[0])
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:  # from the terminal it reached the children too
        interrupted = True
    finally:
        end_children(children, patience_s=PATIENCE_S if interrupted else 0.0)
        signal.signal(signal.SIGTERM, previous)
    return INTERRUPTED if interrupted else children[1].returncode


@dataclass
class WorkerKeeper:
    """Starts the worker, and starts it again when it dies, but not for ever."""

    command: Sequence[str]
    environment: Mapping[str, str]
    started_at: float = 0.0
    starts_left: int = WORKER_STARTS

    def start(self) -> subprocess.Popen[bytes]:
        """Start a worker."""
        self.started_at = time.monotonic()
        return start_child(self.command, self.environment)

    def look_after(self, worker: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Return the worker, or a new one in place of one that has died; say so, and also when it is given up."""
        code = worker.poll()
        if code is None or code == WORKER_REFUSED or self.starts_left < 0:
            return worker
        if time.monotonic() - self.started_at >= WORKER_SOUND_S:
            self.starts_left = WORKER_STARTS
        self.starts_left -= 1
        if self.starts_left < 0:
            print(
                f"The worker ended {WORKER_STARTS + 1} times soon after its start and is not started again; what it said stands above. "
                "The page stays open, but no job is done until you end this and start it again.",
                file=sys.stderr,
                flush=True,
            )
            return worker
        print(f"The worker ended (exit status {code}); it is started again, and what it did goes on.", file=sys.stderr, flush=True)
        return self.start()


def start_child(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a command in the project folder."""
    return subprocess.Popen(command, cwd=PROJECT_DIR, env={**os.environ, **environment})


def end_children(children: Sequence[subprocess.Popen[bytes]], *, patience_s: float = 0.0) -> None:
    """End children: wait `patience_s` for those that know, ask the rest, and after PATIENCE_S or a Ctrl-C kill them."""
    try:
        if not _have_ended(children, patience_s):
            for child in children:
                child.terminate()
            _have_ended(children, PATIENCE_S)
    except KeyboardInterrupt:
        pass
    finally:
        for child in children:
            child.kill()
            child.wait()


def _have_ended(children: Sequence[subprocess.Popen[bytes]], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while any(child.poll() is None for child in children):
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_EVERY_S / 4)
    return True


def command_install(arguments: Sequence[str]) -> int:
    """Install everything that running needs; `--dev` adds the tools for tests and lint."""
    unknown = [argument for argument in arguments if argument != "--dev"]
    if unknown:
        raise LaunchError(f"install knows only --dev, but was given: {' '.join(unknown)}")
    install(dev="--dev" in arguments)
    print("Installed. Start the page with: make run   (without make: python3 launch.py run)")
    return 0


def command_run(arguments: Sequence[str]) -> int:
    """Start page and worker; ending them with Ctrl-C is the normal way and counts as success."""
    install(dev=False)
    # Two runs at once must not spin while they wait for each other's threads (docs/decisions.md).
    calm = {"OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE")}
    python = str(venv_python(VENV_DIR, os.name))
    code = run_with_worker(streamlit_command(python, arguments), worker_command(python), calm)
    return 0 if code == INTERRUPTED else code


def command_test(arguments: Sequence[str]) -> int:
    """Run the tests, telling the browser tests where the browser is."""
    install(dev=True)
    browser = find_browser(os.environ)
    if browser is None:
        print(BROWSER_ADVICE, file=sys.stderr, flush=True)
    environment = {"TESSERAE_CHROMIUM": browser} if browser else {}
    return run_child(pytest_command(str(venv_python(VENV_DIR, os.name)), arguments, os.cpu_count()), environment)


def command_lint(arguments: Sequence[str]) -> int:
    """Run every linter, also after one has failed; return the first status that is not 0."""
    install(dev=True)
    codes = [run_child(command) for command in lint_commands(str(venv_python(VENV_DIR, os.name)), arguments)]
    return next((code for code in codes if code != 0), 0)


def command_bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks."""
    install(dev=False)
    return run_child(bench_command(str(venv_python(VENV_DIR, os.name)), arguments))


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "install": command_install,
    "run": command_run,
    "test": command_test,
    "lint": command_lint,
    "bench": command_bench,
}


def main(arguments: Sequence[str]) -> int:
    """Run the command named first with the rest as its arguments; return the exit status (2: refused)."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if arguments else 2
    if arguments[0] not in COMMANDS:
        print(f"Expected one of {', '.join(COMMANDS)}, but found {arguments[0]!r}.", file=sys.stderr)
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; start the same command again to go on.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
