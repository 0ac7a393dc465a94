"""The launcher: what it would install and run, and how it ends what it started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PATIENCE_S

import launch

posix_only = pytest.mark.skipif(os.name == "nt", reason="uses signals and scripts of POSIX systems")
PINS = {name: f"{name}==1.0" for name in ("setuptools", "wheel", "torch", "torchvision", "sam2", "numpy")}


@pytest.mark.parametrize("version", [(3, 11), (3, 14)], ids=["oldest", "newest"])
def test_a_supported_python_is_accepted(version):
    assert launch.python_refusal(version) is None


@pytest.mark.parametrize("version", [(2, 7), (3, 10), (3, 15), (4, 0)], ids=str)
def test_another_python_is_refused_in_a_sentence(version):
    refusal = launch.python_refusal(version)
    assert refusal is not None
    assert f"this is Python {version[0]}.{version[1]}" in refusal
    assert "needs Python 3.11 to 3.14" in refusal


def test_pins_are_read_beside_comments_and_blank_lines():
    assert launch.read_pins("# why\n\ntorch==2.14.1  # first\nscikit-image==0.26.0\n") == {
        "torch": "torch==2.14.1",
        "scikit-image": "scikit-image==0.26.0",
    }


@pytest.mark.parametrize("line", ["numpy", "numpy>=2", "-r other.txt", "numpy==2.*"])
def test_an_unpinned_requirement_is_refused(line):
    with pytest.raises(launch.LaunchError, match="must be pinned"):
        launch.read_pins(line)


@pytest.mark.parametrize("name", [launch.RUN_REQUIREMENTS, launch.DEV_REQUIREMENTS])
def test_the_requirement_files_of_the_project_are_pinned(name):
    assert launch.read_pins((launch.PROJECT_DIR / name).read_text(encoding="utf-8"))


def test_torch_comes_before_sam2_and_sam2_is_built_unisolated():
    steps = launch.install_steps(PINS, dev=False, torch_index=None)
    assert [step.arguments for step in steps] == [
        ("install", "setuptools==1.0", "wheel==1.0"),
        ("install", "-c", "requirements.txt", "torch==1.0", "torchvision==1.0"),
        ("install", "--no-build-isolation", "-c", "requirements.txt", "sam2==1.0"),
        ("install", "-r", "requirements.txt"),
    ]
    assert [dict(step.environment) for step in steps] == [{}, {}, {"SAM2_BUILD_CUDA": "0"}, {}]


def test_the_torch_index_serves_the_torch_step_only():
    steps = launch.install_steps(PINS, dev=True, torch_index="INDEX")
    assert [step.title for step in steps if "INDEX" in step.arguments] == ["torch"]
    assert steps[1].arguments[:3] == ("install", "--index-url", "INDEX")


def test_dev_adds_the_tools_last():
    steps = launch.install_steps(PINS, dev=True, torch_index=None)
    assert steps[:-1] == launch.install_steps(PINS, dev=False, torch_index=None)
    assert "requirements-dev.txt" in steps[-1].arguments


def test_a_missing_pin_of_the_first_steps_is_named():
    with pytest.raises(launch.LaunchError, match=r"must pin torch, sam2"):
        launch.install_steps({n: p for n, p in PINS.items() if n not in {"torch", "sam2"}}, dev=False, torch_index=None)


@pytest.mark.parametrize(
    ("texts", "version"),
    [(["a", "c"], (3, 11)), (["a"], (3, 11)), (["ab"], (3, 11)), (["a", "b"], (3, 12))],
    ids=["a changed file", "a file less", "the same bytes in one file", "another Python"],
)
def test_the_fingerprint_changes_with(texts, version):
    assert launch.fingerprint(texts, version) != launch.fingerprint(["a", "b"], (3, 11))


def test_the_fingerprint_is_stable():
    assert launch.fingerprint(["a", "b"], (3, 11)) == launch.fingerprint(("a", "b"), (3, 11))


def test_a_stamp_is_valid_only_when_it_is_there_and_the_same(tmp_path):
    stamp = tmp_path / "stamp"
    assert not launch.is_stamped(stamp, "one")
    launch.write_stamp(stamp, "one")
    assert launch.is_stamped(stamp, "one")
    assert not launch.is_stamped(stamp, "two")
    assert [path.name for path in tmp_path.iterdir()] == ["stamp"]


@pytest.mark.parametrize(
    ("os_name", "expected"),
    [("posix", ".venv/bin/python"), ("nt", ".venv/Scripts/python.exe")],
    ids=["posix", "windows"],
)
def test_the_python_of_the_environment(os_name, expected):
    assert launch.venv_python(Path(".venv"), os_name) == Path(expected)


@pytest.mark.parametrize(
    ("config", "expected"),
    [("home = /x\nversion = 3.11.7\n", (3, 11)), ("version_info = 3.12.1.final.0", (3, 12)), ("home = /x\n", None)],
    ids=["venv", "virtualenv", "cut off"],
)
def test_the_version_in_pyvenv_cfg(config, expected):
    assert launch.venv_version(config) == expected


def test_an_environment_without_a_working_pip_is_not_usable(tmp_path):
    version = (sys.version_info[0], sys.version_info[1])
    assert not launch.is_usable_venv(tmp_path, version)
    (tmp_path / "pyvenv.cfg").write_text(f"version = {version[0]}.{version[1]}.0\n", encoding="utf-8")
    python = launch.venv_python(tmp_path, os.name)
    python.parent.mkdir()
    python.write_bytes(b"")
    python.chmod(0o755)
    assert not launch.is_usable_venv(tmp_path, version)


class FakeInstallation:
    """A project folder with requirement files and an environment; records each step instead of calling pip."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.titles, self.fail_at = folder, [], None
        (folder / "requirements.txt").write_text("\n".join(PINS.values()), encoding="utf-8")
        (folder / "requirements-dev.txt").write_text("pytest==1.0\n", encoding="utf-8")
        python = launch.venv_python(folder / ".venv", os.name)
        python.parent.mkdir(parents=True)
        python.touch()
        monkeypatch.setattr(launch, "PROJECT_DIR", folder)
        monkeypatch.setattr(launch, "VENV_DIR", folder / ".venv")
        monkeypatch.setattr(launch, "is_usable_venv", lambda *_: True)
        monkeypatch.setattr(launch, "run_steps", self._record)

    def _record(self, steps):
        for step in steps:
            if step.title == self.fail_at:
                raise launch.LaunchError("pip failed")
            self.titles.append(step.title)


@pytest.fixture
def installation(tmp_path, monkeypatch):
    return FakeInstallation(tmp_path, monkeypatch)


def test_a_second_installation_does_nothing(installation):
    launch.install(dev=False)
    assert installation.titles == ["build tools", "torch", "sam2", "everything else"]
    installation.titles.clear()
    launch.install(dev=False)
    assert installation.titles == []


def test_tests_need_more_than_running_but_not_the_other_way_round(installation):
    launch.install(dev=False)
    installation.titles.clear()
    launch.install(dev=True)
    assert installation.titles[-1] == "test and lint tools"
    installation.titles.clear()
    launch.install(dev=False)
    assert installation.titles == []


def test_a_changed_requirement_is_installed(installation):
    launch.install(dev=True)
    (installation.folder / "requirements-dev.txt").write_text("pytest==2.0\n", encoding="utf-8")
    installation.titles.clear()
    launch.install(dev=False)
    assert installation.titles == []
    launch.install(dev=True)
    assert "test and lint tools" in installation.titles


def test_an_installation_that_failed_is_taken_up_again(installation):
    launch.install(dev=False)
    before = (installation.folder / "requirements.txt").read_text(encoding="utf-8")
    (installation.folder / "requirements.txt").write_text(before + "\nscipy==1.0\n", encoding="utf-8")
    installation.fail_at = "everything else"
    with pytest.raises(launch.LaunchError):
        launch.install(dev=False)
    installation.fail_at = None
    # even with the old file restored: some packages may have changed already
    (installation.folder / "requirements.txt").write_text(before, encoding="utf-8")
    installation.titles.clear()
    launch.install(dev=False)
    assert "everything else" in installation.titles


def test_an_unsupported_python_installs_nothing(installation, monkeypatch, capsys):
    monkeypatch.setattr(launch, "NEWEST_PYTHON", (3, 10))
    assert launch.main(["install"]) == 2
    assert "needs Python" in capsys.readouterr().err
    assert installation.titles == []


@posix_only
def test_a_failing_step_stops_the_installation(monkeypatch, tmp_path):
    python = launch.venv_python(tmp_path, os.name)
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(launch, "VENV_DIR", tmp_path)
    with pytest.raises(launch.LaunchError, match="Installing torch failed"):
        launch.run_steps([launch.Step("torch", ("install", "torch")), launch.Step("sam2", ("install", "sam2"))])


def test_ctrl_c_during_a_step_stops_the_installation(monkeypatch, capsys):
    def interrupt(_arguments):
        launch.run_steps([launch.Step("torch", ("install", "torch"))])

    monkeypatch.setattr(launch, "run_child", lambda *_: launch.INTERRUPTED)
    monkeypatch.setitem(launch.COMMANDS, "install", interrupt)
    assert launch.main(["install"]) == launch.INTERRUPTED
    assert "start the same command again" in capsys.readouterr().err


@posix_only
def test_a_failing_creation_of_the_environment_is_explained(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(launch.LaunchError, match="python3-venv"):
        launch.create_venv(tmp_path / ".venv")


@pytest.mark.parametrize(
    ("arguments", "tail"),
    [
        ([], []),
        (["--port", "9000"], ["--server.port", "9000"]),
        (["--port=9000"], ["--server.port=9000"]),
        (["--server.address", "0.0.0.0"], ["--server.address", "0.0.0.0"]),
    ],
    ids=["plain", "port", "port with =", "passed on"],
)
def test_the_command_line_of_the_page(arguments, tail):
    assert launch.streamlit_command("py", arguments) == ["py", "-m", "streamlit", "run", "app.py", *tail]


def test_only_the_whole_suite_is_held_to_the_coverage_floor():
    assert launch.pytest_command("py", ["tests/test_launch.py"], 2) == ["py", "-m", "pytest", "tests/test_launch.py"]


@pytest.mark.parametrize(("cores", "processes"), [(None, "2"), (1, "2"), (2, "3"), (64, "5")])
def test_the_whole_suite_runs_on_all_cores_with_coverage(cores, processes):
    command = launch.pytest_command("py", [], cores)
    assert command[command.index("-n") + 1] == processes
    assert "--cov" in command


def test_lint_runs_every_linter_and_hands_arguments_to_ruff():
    commands = launch.lint_commands("py", ["--fix"])
    assert commands[0] == ["py", "-m", "ruff", "check", "--fix"]
    assert [command[2] for command in commands[:3]] == ["ruff", "ruff", "mypy"]
    assert "lint_imports" in commands[3][2]


def test_the_command_line_of_the_benchmarks():
    assert launch.bench_command("py", ["--quick"]) == ["py", "-m", "benchmarks", "--quick"]


def test_the_named_browser_decides(tmp_path):
    browser = tmp_path / "chromium"
    browser.touch()
    assert launch.find_browser({"TESSERAE_CHROMIUM": str(browser)}, which=lambda _: "/other") == str(browser)
    assert launch.find_browser({"TESSERAE_CHROMIUM": str(tmp_path / "absent")}, which=lambda _: "/other") is None


def test_a_browser_on_the_path_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(launch, "BROWSER_PLACES", ())
    browser = str(tmp_path / "chrome")
    assert launch.find_browser({}, which={"google-chrome": browser}.get) == browser
    assert launch.find_browser({}, which=lambda _: None) is None


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--help"], 0), (["dance"], 2), (["install", "--all"], 2)], ids=str)
def test_the_exit_status_of(arguments, code, capsys):
    assert launch.main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out + captured.err


def test_the_status_of_the_child_is_handed_on():
    assert launch.run_child([sys.executable, "-c", "import sys; sys.exit(7)"]) == 7


def test_the_child_gets_the_environment_given():
    code = "import os, sys; sys.exit(int(os.environ['TESSERAE_CHROMIUM']))"
    assert launch.run_child([sys.executable, "-c", code], {"TESSERAE_CHROMIUM": "5"}) == 5


@posix_only
@pytest.mark.parametrize(
    ("number", "whole_group", "code"),
    [(signal.SIGINT, True, launch.INTERRUPTED), (signal.SIGTERM, False, 256 - signal.SIGTERM)],
    ids=["ctrl-c in the terminal", "sigterm to the launcher"],
)
def test_a_signal_ends_the_child_too(number, whole_group, code, tmp_path):
    ready = tmp_path / "pid"
    child = (
        "import os, pathlib, time; "
        f"part = pathlib.Path({str(ready) + '.part'!r}); part.write_text(str(os.getpid())); "
        f"part.replace({str(ready)!r}); "
        "time.sleep(60)"
    )
    program = f"import sys, launch; sys.exit(launch.run_child([sys.executable, '-c', {child!r}]) % 256)"
    launcher = subprocess.Popen([sys.executable, "-c", program], cwd=launch.PROJECT_DIR, start_new_session=True, stderr=subprocess.DEVNULL)
    _wait_for(ready.exists)
    time.sleep(0.2)  # the launcher takes up its signals just after the child has started
    if whole_group:
        os.killpg(launcher.pid, number)
    else:
        launcher.send_signal(number)
    assert launcher.wait(timeout=PATIENCE_S) == code
    with pytest.raises(ProcessLookupError):
        os.kill(int(ready.read_text()), 0)


# Refuses to end when asked.
STUBBORN = (
    "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)]; "
    "print('ready', flush=True); time.sleep(60)"
)


@posix_only
def test_a_child_that_ignores_both_signals_is_killed(monkeypatch):
    monkeypatch.setattr(launch, "PATIENCE_S", 0.2)
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        launch.end_children([child], patience_s=0.2)
        assert child.returncode == -signal.SIGKILL


@posix_only
def test_a_second_ctrl_c_ends_the_waiting(monkeypatch):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(launch, "_have_ended", interrupt)
    launch.end_children([child], patience_s=60.0)
    assert child.returncode == -signal.SIGKILL


# --- Page and worker together -----------------------------------------------------------------------------------------


def test_the_command_line_of_the_worker():
    assert launch.worker_command("py") == ["py", "-m", "tesserae", "worker"]


def program(folder, name, then):
    """A Python program that notes its process number in a file each time it starts, and then does something."""
    note = f"import os, pathlib, sys, time; open({str(folder / name)!r}, 'a').write(f'{{os.getpid()}}\\n'); "
    return [sys.executable, "-c", note + then]


def started(folder, name):
    """The process numbers that were noted, complete lines only."""
    path = folder / name
    return [int(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


SLEEP = "time.sleep(60)"


@pytest.mark.parametrize("code", [0, 7])
@posix_only
def test_when_the_page_ends_so_does_the_worker(code, tmp_path):
    wait = f"\nwhile not os.path.exists({str(tmp_path / 'worker')!r}): time.sleep(0.02)\nsys.exit({code})"
    assert launch.run_with_worker(program(tmp_path, "page", wait), program(tmp_path, "worker", SLEEP), {}) == code
    assert all(is_gone(pid) for pid in started(tmp_path, "page") + started(tmp_path, "worker"))


def test_page_and_worker_get_the_environment_given(tmp_path):
    code = "import os, sys; sys.exit(int(os.environ['TESSERAE_CHROMIUM']))"
    assert launch.run_with_worker([sys.executable, "-c", code], [sys.executable, "-c", code], {"TESSERAE_CHROMIUM": "2"}) == 2


@posix_only
@pytest.mark.parametrize(
    ("number", "whole_group"),
    [(signal.SIGINT, True), (signal.SIGTERM, False)],
    ids=["ctrl-c in the terminal", "sigterm to the launcher"],
)
def test_a_signal_ends_page_and_worker(number, whole_group, tmp_path):
    page, worker = (program(tmp_path, name, SLEEP) for name in ("page", "worker"))
    code = f"import sys, launch; sys.exit(launch.run_with_worker({page!r}, {worker!r}, {{}}) % 256)"
    launcher = subprocess.Popen([sys.executable, "-c", code], cwd=launch.PROJECT_DIR, start_new_session=True, stderr=subprocess.DEVNULL)
    _wait_for(lambda: started(tmp_path, "page") and started(tmp_path, "worker"))
    if whole_group:
        os.killpg(launcher.pid, number)
    else:
        launcher.send_signal(number)
    assert launcher.wait(timeout=PATIENCE_S) == (launch.INTERRUPTED if whole_group else 256 - signal.SIGTERM)
    assert all(is_gone(pid) for pid in started(tmp_path, "page") + started(tmp_path, "worker"))


@posix_only
def test_a_page_that_cannot_be_started_leaves_no_worker(tmp_path, monkeypatch):
    keeper = []
    monkeypatch.setattr(launch.WorkerKeeper, "start", lambda self: keeper.append(launch.start_child(self.command, {})) or keeper[0])
    with pytest.raises(FileNotFoundError):
        launch.run_with_worker([str(tmp_path / "absent")], program(tmp_path, "worker", SLEEP), {})
    assert keeper[0].returncode is not None


def run_until(tmp_path, condition, worker):
    """Run a page that ends when the Python expression `condition` holds, with a worker that does what `worker` says."""
    wait = f"\nwhile not ({condition}): time.sleep(0.02)"
    assert launch.run_with_worker([sys.executable, "-c", f"import os, time{wait}"], program(tmp_path, "worker", worker), {}) == 0
    return started(tmp_path, "worker")


def test_a_worker_that_dies_is_started_again(tmp_path, capfd):
    once = f"\nif not os.path.exists({str(tmp_path / 'died')!r}):\n    open({str(tmp_path / 'died')!r}, 'w')\n    os._exit(9)\n{SLEEP}"
    file = str(tmp_path / "worker")
    pids = run_until(tmp_path, f"os.path.exists({file!r}) and len(open({file!r}).read().split()) == 2", once)
    assert len(set(pids)) == 2
    assert "The worker ended (exit status 9); it is started again" in capfd.readouterr().err


def test_a_worker_that_dies_at_every_start_is_given_up(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(launch, "WORKER_STARTS", 2)
    keeper = launch.WorkerKeeper(program(tmp_path, "worker", "sys.exit(3)"), {}, starts_left=2)
    worker = keeper.start()
    for _ in range(5):
        worker.wait()
        worker = keeper.look_after(worker)
    assert len(started(tmp_path, "worker")) == 3
    said = capfd.readouterr().err
    assert said.count("it is started again") == 2
    assert said.count("The worker ended 3 times soon after its start and is not started again") == 1


def test_a_worker_that_lived_long_has_all_its_starts_again(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "WORKER_SOUND_S", 0.0)
    keeper = launch.WorkerKeeper(program(tmp_path, "worker", "sys.exit(3)"), {}, starts_left=0)
    worker = keeper.start()
    for _ in range(3):
        worker.wait()
        worker = keeper.look_after(worker)
    worker.wait()
    assert len(started(tmp_path, "worker")) == 4


def test_a_worker_that_refuses_is_left_alone(tmp_path):
    keeper = launch.WorkerKeeper(program(tmp_path, "worker", f"sys.exit({launch.WORKER_REFUSED})"), {})
    worker = keeper.start()
    worker.wait()
    assert keeper.look_after(worker) is worker
    assert len(started(tmp_path, "worker")) == 1


def _wait_for(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "the child did not start in time"
        time.sleep(0.02)
