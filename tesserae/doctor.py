"""What this machine has for Tesserae and what is missing, in sentences; changes nothing unless a repair is asked for."""

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

import tesserae
from tesserae.checkpoints import EMBEDDED_NAME, list_checkpoints, list_problems, verify_checkpoint
from tesserae.device import bfloat16_helps, choose_device
from tesserae.download import format_size
from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.store import Store, open_store
from tesserae.store.database import DATABASE_FILE
from tesserae.store.files import LABELS, PHOTOS
from tesserae.store.photos import count_photos
from tesserae.store.repair import Stray, find_strays, repair

NEEDED_MEMORY_GB = 4.0
NEEDED_DISK_GB = 1.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `missing` if something should be done about it, which the text then says."""

    topic: str
    text: str
    missing: bool = False


def examine_machine(settings: Settings) -> list[Finding]:
    """Look at Python, processor, memory, devices, disk and checkpoints; hashes the installed checkpoints."""
    return [
        Finding("Tesserae", f"{tesserae.__version__} on Python {platform.python_version()}, {platform.platform()}."),
        Finding("Processor", f"{os.cpu_count() or 'unknown number of'} cores, {torch.get_num_threads()} used by torch."),
        _examine_memory(total_memory_bytes()),
        *_examine_devices(),
        _examine_disk(settings.home),
        *_examine_checkpoints(settings),
    ]


def examine_collection(settings: Settings) -> list[Finding]:
    """Compare the collection's files with its records; reads every file once, about a second per gigabyte."""

    def look(store: Store) -> list[Finding]:
        strays = find_strays(store)
        mendable = any(stray.mendable for stray in strays)
        hint = [Finding("Collection", "What can be put right is, without losing anything, by: python -m tesserae doctor --repair.")]
        return [*_as_findings(strays), *(hint if mendable else [])]

    return _visit_collection(settings, look)


def repair_collection(settings: Settings) -> list[Finding]:
    """Mend what can be mended without losing anything, and say what was done; what is left to people is marked as missing."""

    def mend(store: Store) -> list[Finding]:
        sentences, left = repair(store), find_strays(store)
        done = [Finding("Repair", sentence) for sentence in sentences if sentence not in {stray.text for stray in left}]
        return [*done, *_as_findings(left)]

    return _visit_collection(settings, mend)


def total_memory_bytes() -> int | None:
    """Memory of the machine; None where the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PAGE_SIZE" not in names or "SC_PHYS_PAGES" not in names:
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _visit_collection(settings: Settings, visit: Callable[[Store], list[Finding]]) -> list[Finding]:
    """Return what `visit` finds and how large the collection is; a collection that is not there yet is not made."""
    home, file = settings.home.absolute(), settings.home.absolute() / DATABASE_FILE
    if settings.database_url is None and not file.exists():
        return [_examine_home_without_database(home, file)]
    try:
        with open_store(settings) as store:
            found = visit(store)
            return [Finding("Collection", f"{_counted(count_photos(store), 'photo')} in {home}."), *found]
    except TesseraeError as error:
        return [Finding("Collection", str(error), missing=True)]


def _examine_home_without_database(home: Path, file: Path) -> Finding:
    if any(any((home / folder).glob("*")) for folder in (PHOTOS, LABELS)):
        text = f"Expected the database {file} beside the photos and label maps in {home}, found none: put it back from a backup."
        return Finding("Collection", text, missing=True)
    return Finding("Collection", f"Nothing is stored in {home} yet.")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _as_findings(strays: list[Stray]) -> list[Finding]:
    return [Finding("Collection", stray.text, missing=True) for stray in strays]


def _examine_memory(total_bytes: int | None) -> Finding:
    if total_bytes is None:
        return Finding("Memory", f"This system does not tell; {NEEDED_MEMORY_GB:.0f} GB are advised.")
    total_gb = total_bytes / 1e9
    if total_gb < NEEDED_MEMORY_GB:
        advice = f"Expected {NEEDED_MEMORY_GB:.0f} GB or more, found {total_gb:.1f} GB: give parts of large photos."
        return Finding("Memory", advice, missing=True)
    return Finding("Memory", f"{total_gb:.1f} GB.")


def _examine_devices() -> Iterator[Finding]:
    device = choose_device("auto")
    bfloat16 = "bfloat16 is used" if bfloat16_helps(device) else "bfloat16 is no help here, float32 is used"
    yield Finding("PyTorch", f"{torch.__version__}; photos run on {device.type}; {bfloat16}.")
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    names += ["Apple GPU (mps)"] if torch.backends.mps.is_available() else []
    without = "None. The embedded model runs well on the processor; the large official ones are slow without one."
    yield Finding("Graphics card", f"{', '.join(names)}." if names else without)


def _examine_disk(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.is_dir())
    free_gb = shutil.disk_usage(there).free / 1e9
    if not os.access(there, os.W_OK):
        text = f"{there} cannot be written by this user: allow it, or name another folder in TESSERAE_HOME."
        return Finding("Disk", text, missing=True)
    if free_gb < NEEDED_DISK_GB:
        text = f"Expected {NEEDED_DISK_GB:.0f} GB free at {there}, found {free_gb:.1f} GB: make room."
        return Finding("Disk", text, missing=True)
    return Finding("Disk", f"{free_gb:.1f} GB free at {there}.")


def _examine_checkpoints(settings: Settings) -> Iterator[Finding]:
    not_installed = []
    for checkpoint in list_checkpoints(settings.weights, settings.checkpoint_url):
        if checkpoint.installed or checkpoint.name == EMBEDDED_NAME:
            outcome = verify_checkpoint(checkpoint)
            yield Finding("Model", outcome.message, missing=not outcome.ok)
        else:
            not_installed.append(checkpoint)
    for problem in list_problems(settings.weights):
        yield Finding("Model", problem, missing=True)
    if not_installed:
        sizes = ", ".join(f"{each.name} ({format_size(each.size_bytes or 0)})" for each in not_installed)
        how = "If one is wanted: python -m tesserae checkpoints fetch NAME."
        yield Finding("Not installed", f"{sizes}. None of these is needed. {how}")
