"""Which checkpoint is the default on this installation: a choice kept in active.json under TESSERAE_HOME."""

import json
import logging
from pathlib import Path

from tesserae.atomic import write_file
from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint
from tesserae.errors import CheckpointError, OutputError
from tesserae.settings import Settings

logger = logging.getLogger(__name__)

ACTIVE_FILE = "active.json"


def active_name(settings: Settings) -> str:
    """Return the name of the active checkpoint: the one that was chosen while its file is there, else the embedded one."""
    name = _chosen_name(settings.home / ACTIVE_FILE)
    if name is None:
        return EMBEDDED_NAME
    try:
        installed = find_checkpoint(name, settings.weights, settings.checkpoint_url).installed
    except CheckpointError as error:
        logger.warning("The active checkpoint '%s' cannot be used: %s The embedded one serves instead.", name, error)
        return EMBEDDED_NAME
    return name if installed else EMBEDDED_NAME


def activate(settings: Settings, name: str) -> None:
    """Make a checkpoint the default.

    Raises:
        CheckpointError: it is unknown or not installed.
        OutputError: the choice cannot be written down.
    """
    checkpoint = find_checkpoint(name, settings.weights, settings.checkpoint_url)
    if not checkpoint.installed:
        raise CheckpointError(
            f"Only an installed checkpoint can be made the default; expected {checkpoint.path}, found no file. Fetch or import it first."
        )
    keep_choice(settings, checkpoint.name)


def keep_choice(settings: Settings, name: str) -> None:
    """Write down the default without asking whether it is there; raises OutputError when that fails."""
    path = settings.home / ACTIVE_FILE
    try:
        write_file(path, (json.dumps({"checkpoint": name}) + "\n").encode())
    except OSError as error:
        raise OutputError(
            f"The choice of the default model could not be written to {path} ({error.strerror}). Allow this user to write there, or "
            "name another folder in TESSERAE_HOME."
        ) from error


def _chosen_name(path: Path) -> str | None:
    """The name that was written down; None when none was, or it cannot be read."""
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["checkpoint"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be read (%s); the embedded checkpoint is the default. Choose another one to mend this.", path, error)
        return None
    return name if isinstance(name, str) else None
