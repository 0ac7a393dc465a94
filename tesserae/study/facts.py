"""With what a study was made: model, versions, machine, day."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version

import tesserae
from tesserae.checkpoints import Checkpoint
from tesserae.device import bfloat16_helps, choose_device

_VERSIONS = ("torch", "sam2", "numpy", "lightning-fabric")
_HASH_DIGITS = 12


def gather_facts(base: Checkpoint, base_sha256: str, device_name: str) -> dict[str, str]:
    """Return what a reader must know to compare the figures with their own, by name; raises DeviceError when the device is not there."""
    device = choose_device(device_name)
    return {
        "Base": f"{base.name} (SHA-256 {base_sha256[:_HASH_DIGITS]})",
        "tesserae": tesserae.__version__,
        **{name: version(name) for name in _VERSIONS},
        "Python": platform.python_version(),
        "device": f"{device} ({'bfloat16' if bfloat16_helps(device) else 'float32'})",
        "processor cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "day": datetime.now(UTC).date().isoformat(),
    }
