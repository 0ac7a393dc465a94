"""One place decides where to compute, and refuses what is not there in a sentence."""

import pytest
import torch

from tesserae.device import DEVICES, bfloat16_helps, choose_device, mixed_precision
from tesserae.errors import DeviceError


@pytest.fixture
def machine(monkeypatch):
    """Pretend a machine with or without cuda and mps."""

    def pretend(*, cuda=False, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("name", "cuda", "mps", "expected"),
    [
        ("auto", False, False, "cpu"),
        ("auto", True, False, "cuda"),
        ("auto", False, True, "mps"),
        ("auto", True, True, "cuda"),
        ("cpu", True, True, "cpu"),
        ("cuda", True, False, "cuda"),
        ("mps", True, True, "mps"),
    ],
    ids=["auto: cpu", "auto: cuda", "auto: mps", "auto: cuda first", "cpu although cuda", "cuda", "mps although cuda"],
)
def test_the_device_is_the_one_asked_for_or_the_fastest(machine, name, cuda, mps, expected):
    machine(cuda=cuda, mps=mps)
    assert choose_device(name) == torch.device(expected)


@pytest.mark.parametrize(
    ("name", "mps", "sentence"),
    [
        ("cuda", False, "Device 'cuda' was asked for, but this machine has only: cpu. Use one of these, or auto."),
        ("cuda", True, "Device 'cuda' was asked for, but this machine has only: mps, cpu. Use one of these, or auto."),
        ("mps", False, "Device 'mps' was asked for, but this machine has only: cpu. Use one of these, or auto."),
        ("gpu", False, "Expected a device out of auto, cpu, cuda, mps, found 'gpu'. Choose one of them."),
        ("", False, "Expected a device out of auto, cpu, cuda, mps, found ''. Choose one of them."),
    ],
    ids=["no cuda", "mps instead", "no mps", "unknown", "empty"],
)
def test_a_device_that_is_not_there_is_refused(machine, name, mps, sentence):
    machine(mps=mps)
    with pytest.raises(DeviceError) as refused:
        choose_device(name)
    assert str(refused.value) == sentence


def test_every_device_named_can_be_chosen(machine):
    machine(cuda=True, mps=True)
    assert {choose_device(name).type for name in DEVICES} == {"cpu", "cuda", "mps"}


@pytest.mark.parametrize(
    ("device", "cuda", "avx512", "amx", "expected"),
    [
        ("cuda", True, False, False, True),
        ("cuda", False, True, True, False),
        ("cpu", False, True, False, True),
        ("cpu", False, False, True, True),
        ("cpu", True, False, False, False),
        ("mps", True, True, True, False),
    ],
    ids=["newer card", "older card", "avx512", "amx", "plain cpu", "mps"],
)
def test_bfloat16_is_used_where_it_is_native(monkeypatch, device, cuda, avx512, amx, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: cuda)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert bfloat16_helps(torch.device(device)) is expected


@pytest.mark.parametrize(("helps", "dtype"), [(True, torch.bfloat16), (False, torch.float32)], ids=["helps", "does not"])
def test_models_compute_in_bfloat16_where_it_helps(monkeypatch, helps, dtype):
    monkeypatch.setattr("tesserae.device.bfloat16_helps", lambda device: helps)
    numbers = torch.ones(2, 2)
    with mixed_precision(torch.device("cpu")):
        assert (numbers @ numbers).dtype == dtype
    assert (numbers @ numbers).dtype == torch.float32


def test_this_machine_can_be_asked():
    assert bfloat16_helps(torch.device("cpu")) in (True, False)
    assert choose_device("auto").type in DEVICES
