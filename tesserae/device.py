"""Which device computes: cuda, mps or the CPU, and whether bfloat16 helps there. No other module asks torch this."""

import torch

from tesserae.errors import DeviceError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str) -> torch.device:
    """Return the device called `name`; "auto" takes the first of cuda, mps, cpu that is there.

    Raises DeviceError when the device is unknown or this machine does not have it.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, there in available.items() if there))
    if name not in available:
        raise DeviceError(f"Expected a device out of {', '.join(DEVICES)}, found '{name}'. Choose one of them.")
    if not available[name]:
        have = ", ".join(device for device, there in available.items() if there)
        raise DeviceError(f"Device '{name}' was asked for, but this machine has only: {have}. Use one of these, or auto.")
    return torch.device(name)


def bfloat16_helps(device: torch.device) -> bool:
    """Tell whether bfloat16 autocast is faster than float32 on the device: native on newer CUDA cards and CPUs."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # no public name yet
    return False


def mixed_precision(device: torch.device) -> torch.autocast:
    """Return a context in which models compute in bfloat16 where that helps on the device, else in float32 as always."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bfloat16_helps(device))
