"""Small files that are there complete or not at all; knows nothing of what is in them."""

import os
import uuid
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Put `content` in place under its name at once, and make its folder; raises OSError, leaving nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
