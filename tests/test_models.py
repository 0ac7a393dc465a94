"""A run gets its checkpoint and the embedded finder, or a sentence on what is wrong with the files."""

import json
from dataclasses import replace

import pytest
import torch

from tesserae import models as models_module
from tesserae.architecture import build_model
from tesserae.checkpoints import Checkpoint, find_checkpoint
from tesserae.config_names import EMBEDDED_CONFIG
from tesserae.decoding import window_for
from tesserae.errors import CheckpointError, DeviceError
from tesserae.finder import FinderHead
from tesserae.models import load_embedded, load_models

RECORD = {"config": EMBEDDED_CONFIG, "decode": "window", "mask_prompts": True}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A weights folder with an embedded model of random weights in half precision, as it is shipped."""
    folder = tmp_path_factory.mktemp("weights")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model, finder = build_model(EMBEDDED_CONFIG), FinderHead()
    halved = ({name: value.half() for name, value in part.state_dict().items()} for part in (model, finder))
    torch.save(dict(zip(("model", "finder"), halved, strict=True)), folder / "tesserae_mini.pt")
    (folder / "tesserae_mini.json").write_text(json.dumps(RECORD))
    return folder


def named(weights, name) -> Checkpoint:
    return find_checkpoint(name, weights, "http://localhost")


@pytest.fixture(scope="module")
def base(weights):
    """The embedded model, loaded."""
    return load_models(named(weights, "tesserae_mini"), "cpu")


def test_the_embedded_checkpoint_serves_twice(weights, monkeypatch):
    monkeypatch.setattr(models_module, "bfloat16_helps", lambda device: False)
    loaded = load_models(named(weights, "tesserae_mini"), "cpu")
    assert loaded.predictor is loaded.finder_predictor
    assert loaded.decode_side_px == 32.0  # that of the architecture, where the record says nothing
    assert loaded.trained_for_windows
    assert loaded.mask_prompts
    assert loaded.least_predicted_iou == 0.0  # nothing is recorded of it
    assert loaded.window() == window_for(32.0, loaded.predictor.grid)
    assert loaded.dtype == "float32"
    assert str(loaded.predictor.device) == "cpu"
    assert not any(module.training for part in (loaded.finder, loaded.predictor.model) for module in part.modules())


def test_the_precision_is_that_of_the_device(weights, monkeypatch):
    monkeypatch.setattr(models_module, "bfloat16_helps", lambda device: device.type == "cpu")
    loaded = load_models(named(weights, "tesserae_mini"), "cpu")
    assert loaded.dtype == "bfloat16"
    assert loaded.finder_predictor.bfloat16


def test_half_precision_weights_come_back_as_float32(weights):
    model, finder = load_embedded(weights / "tesserae_mini.pt")
    stored = torch.load(weights / "tesserae_mini.pt", weights_only=True)
    for part, module in (("model", model), ("finder", finder)):
        loaded = module.state_dict()
        assert loaded.keys() == stored[part].keys()
        assert {value.dtype for value in loaded.values() if value.is_floating_point()} == {torch.float32}
        assert all(torch.equal(loaded[name], value.to(loaded[name].dtype)) for name, value in stored[part].items())


def test_loading_leaves_the_random_generator_alone(weights):
    before = torch.random.get_rng_state()
    load_embedded(weights / "tesserae_mini.pt")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_official_checkpoint_works_beside_the_embedded_finder(weights, base, monkeypatch):
    with torch.random.fork_rng(devices=[]):
        tiny = build_model("2.0-tiny")
    monkeypatch.setattr(models_module, "load_model", lambda checkpoint: tiny)
    loaded = load_models(named(weights, "sam2_hiera_tiny"), "cpu")
    assert loaded.encoder_id != base.encoder_id
    assert loaded.decode_side_px == pytest.approx(1024 / 21)  # nothing is recorded of official files
    assert loaded.predictor.model is tiny
    assert loaded.finder_predictor.tile_px == 512
    assert loaded.window() == 16
    assert not loaded.trained_for_windows
    assert not loaded.mask_prompts


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ("sam_mask_decoder.iou_token.weight", True),
        ("sam_prompt_encoder.no_mask_embed.weight", True),
        ("image_encoder.trunk.patch_embed.proj.weight", False),
        ("image_encoder.neck.convs.0.conv.bias", False),
        ("sam_mask_decoder.conv_s0.weight", False),
        ("sam_mask_decoder.conv_s1.bias", False),
        ("no_mem_embed", False),
    ],
)
def test_only_what_decides_the_embedding_decides_the_encoders_identity(weights, base, changed, same):
    """A fine-tuned decoder shares the baseline's embeddings."""
    contents = torch.load(weights / "tesserae_mini.pt", weights_only=True)
    contents["model"][changed].flatten()[0] += 0.5
    path = weights / "tuned.pt"
    torch.save({"model": contents["model"]}, path)
    path.with_suffix(".json").write_text(json.dumps(RECORD))
    tuned = load_models(named(weights, "tuned"), "cpu")
    assert (base.encoder_id == tuned.encoder_id) is same
    assert (base.embeddings_id == tuned.embeddings_id) is same
    assert base.finder_id == tuned.finder_id


def test_a_checkpoint_of_ones_own_may_share_the_size_but_not_the_encoder(weights, base):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        other = build_model(EMBEDDED_CONFIG)
    path = weights / "mine.pt"
    torch.save({"model": other.state_dict()}, path)
    path.with_suffix(".json").write_text(json.dumps({**RECORD, "decode_side_px": 30, "least_predicted_iou": 0.9}))
    loaded = load_models(named(weights, "mine"), "cpu")
    assert loaded.encoder_id != base.encoder_id
    assert loaded.decode_side_px == 30.0
    assert loaded.least_predicted_iou == 0.9
    assert loaded.trained_for_windows


def test_a_missing_embedded_file_is_named(weights, tmp_path):
    checkpoint = replace(named(weights, "tesserae_mini"), path=tmp_path / "tesserae_mini.pt")
    with pytest.raises(CheckpointError, match=r"tesserae_mini\.pt cannot be read \(No such file"):
        load_models(checkpoint, "cpu")


def test_a_missing_chosen_checkpoint_is_named(weights):
    with pytest.raises(CheckpointError, match="sam2_hiera_small is not installed"):
        load_models(named(weights, "sam2_hiera_small"), "cpu")


def test_a_device_that_is_not_there_is_refused_before_anything_is_read(tmp_path, weights):
    checkpoint = replace(named(weights, "tesserae_mini"), path=tmp_path / "nothing.pt")
    with pytest.raises(DeviceError, match="'abacus'"):
        load_models(checkpoint, "abacus")


def test_an_embedded_file_without_a_finder_is_refused(tmp_path, weights):
    path = tmp_path / "tesserae_mini.pt"
    torch.save({"model": torch.load(weights / path.name, weights_only=True)["model"]}, path)
    with pytest.raises(CheckpointError, match=r"finder head in tesserae_mini\.pt, found a checkpoint without one\. Put the file"):
        load_embedded(path)


def test_a_finder_of_another_version_is_refused(tmp_path, weights):
    path = tmp_path / "tesserae_mini.pt"
    torch.save({"model": torch.load(weights / path.name, weights_only=True)["model"], "finder": FinderHead(width=8).state_dict()}, path)
    with pytest.raises(CheckpointError, match="does not fit this version of the program"):
        load_embedded(path)


def test_an_encoder_of_another_size_is_refused(tmp_path, weights):
    path = tmp_path / "tesserae_mini.pt"
    torch.save({"model": {"image_encoder.x": torch.zeros(1)}, "finder": FinderHead().state_dict()}, path)
    with pytest.raises(CheckpointError, match="do not fit this architecture"):
        load_embedded(path)
