"""Which checkpoint is the default on this installation: a choice kept in active.json under TESSERAE_HOME, with those before it."""

import json
import logging

from tesserae.atomic import write_file
from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint
from tesserae.errors import CheckpointError, OutputError
from tesserae.settings import Settings

logger = logging.getLogger(__name__)

ACTIVE_FILE = "active.json"
MOST_EARLIER = 20
"""Earlier choices that are remembered."""


def active_name(settings: Settings) -> str:
    """Return the name of the active checkpoint: the one that was chosen while its file is there, else the embedded one."""
    name, _ = _read_choices(settings)
    return name if name is not None and _is_installed(settings, name) else EMBEDDED_NAME


def activate(settings: Settings, name: str) -> None:
    """Make a checkpoint the default, and remember the one before it.

    Raises:
        CheckpointError: it is unknown or not installed.
        OutputError: the choice cannot be written down.
    """
    checkpoint = find_checkpoint(name, settings.weights, settings.checkpoint_url)
    if not checkpoint.installed:
        raise CheckpointError(
            f"Only an installed checkpoint can be made the default; expected {checkpoint.path}, found no file. Fetch or import it first."
        )
    before = active_name(settings)
    _, earlier = _read_choices(settings)
    if checkpoint.name != before:
        earlier = (*earlier, before)
    _write_choices(settings, checkpoint.name, earlier)


def previous_name(settings: Settings) -> str | None:
    """Return the name of the checkpoint that `roll_back` would make the default; None when none before is installed."""
    _, earlier = _read_choices(settings)
    active = active_name(settings)
    return next((name for name in reversed(earlier) if name != active and _is_installed(settings, name)), None)


def roll_back(settings: Settings) -> str:
    """Make the last default before this one that is still installed the default again, and return its name.

    Each call goes one step further back; nothing is deleted.

    Raises:
        CheckpointError: there is none.
        OutputError: the choice cannot be written down.
    """
    previous = previous_name(settings)
    if previous is None:
        raise CheckpointError(
            f"No other default model came before {active_name(settings)}, or it is not installed any more. Choose one on the page Models."
        )
    _, earlier = _read_choices(settings)
    last = len(earlier) - 1 - earlier[::-1].index(previous)
    _write_choices(settings, previous, earlier[:last])
    return previous


def rename_choice(settings: Settings, name: str, new_name: str) -> None:
    """Follow a checkpoint that got another name, as the default and among those before; raises OutputError when that fails."""
    chosen, earlier = _read_choices(settings)
    if name == chosen or name in earlier:
        renamed = tuple(new_name if each == name else each for each in earlier)
        _write_choices(settings, new_name if name == chosen else chosen, renamed)


def forget_choice(settings: Settings, name: str) -> None:
    """Forget a checkpoint that was deleted; the embedded one is the default if it was. Raises OutputError when that fails."""
    chosen, earlier = _read_choices(settings)
    if name == chosen or name in earlier:
        _write_choices(settings, EMBEDDED_NAME if name == chosen else chosen, tuple(each for each in earlier if each != name))


def _is_installed(settings: Settings, name: str) -> bool:
    try:
        return find_checkpoint(name, settings.weights, settings.checkpoint_url).installed
    except CheckpointError as error:
        logger.warning("The checkpoint '%s' was chosen as the default, and cannot be used: %s Another one serves instead.", name, error)
        return False


def _read_choices(settings: Settings) -> tuple[str | None, tuple[str, ...]]:
    """The name that was chosen, None when none was or it cannot be read, and those before it, the first one first."""
    path = settings.home / ACTIVE_FILE
    try:
        choice = json.loads(path.read_text(encoding="utf-8"))
        name, earlier = choice["checkpoint"], choice.get("earlier", [])
    except FileNotFoundError:
        return None, ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be read (%s); the embedded checkpoint is the default. Choose another one to mend this.", path, error)
        return None, ()
    names = tuple(each for each in earlier if isinstance(each, str)) if isinstance(earlier, list) else ()
    return name if isinstance(name, str) else None, names


def _write_choices(settings: Settings, name: str | None, earlier: tuple[str, ...]) -> None:
    path = settings.home / ACTIVE_FILE
    choice: dict[str, object] = {"checkpoint": name or EMBEDDED_NAME}
    if earlier:
        choice["earlier"] = list(earlier[-MOST_EARLIER:])
    try:
        write_file(path, (json.dumps(choice) + "\n").encode())
    except OSError as error:
        raise OutputError(
            f"The choice of the default model could not be written to {path} ({error.strerror}). Allow this user to write there, or "
            "name another folder in TESSERAE_HOME."
        ) from error
