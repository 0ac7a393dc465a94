"""Configs become models, and weights that do not fit are explained."""

import pickle

import pytest
import torch
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra

from tesserae.architecture import build_model, load_weights, recognise_config
from tesserae.config_names import EMBEDDED_CONFIG
from tesserae.errors import CheckpointError

TINY = "configs/sam2/sam2_hiera_t.yaml"
TINY_2_1 = "configs/sam2.1/sam2.1_hiera_t.yaml"


@pytest.fixture(scope="module")
def mini():
    return build_model(EMBEDDED_CONFIG)


@pytest.fixture(scope="module")
def tiny():
    return build_model(TINY)


@pytest.fixture(scope="module")
def tiny_2_1():
    return build_model(TINY_2_1)


@pytest.fixture
def hydra_state():
    """Let a test change hydra's global state, and put it back."""
    saved = GlobalHydra.instance().hydra
    yield GlobalHydra.instance()
    GlobalHydra.instance().hydra = saved


def test_the_embedded_model_is_small_and_ready_to_use(mini):
    assert not any(module.training for module in mini.modules())
    assert {parameter.device.type for parameter in mini.parameters()} == {"cpu"}
    assert mini.image_size == 512
    assert 3e6 < sum(parameter.numel() for parameter in mini.parameters()) < 5e6


def test_the_embedded_model_embeds_a_picture(mini):
    with torch.inference_mode():
        features = mini.forward_image(torch.zeros(1, 3, 512, 512))
    assert [tuple(level.shape[-2:]) for level in features["backbone_fpn"]] == [(128, 128), (64, 64), (32, 32)]


def test_the_tiny_model_has_the_published_number_of_parameters(tiny):
    assert sum(parameter.numel() for parameter in tiny.parameters()) / 1e6 == pytest.approx(38.9, abs=0.1)
    assert tiny.image_size == 1024
    assert not tiny.training


def test_the_seed_decides_the_weights():
    def first_weights(seed: int) -> torch.Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return build_model(EMBEDDED_CONFIG).image_encoder.trunk.patch_embed.proj.weight

    assert torch.equal(first_weights(1), first_weights(1))
    assert not torch.equal(first_weights(1), first_weights(2))


def test_hydra_without_its_global_state_does(hydra_state):
    hydra_state.clear()
    assert build_model(EMBEDDED_CONFIG).image_size == 512
    assert not hydra_state.is_initialized()


def test_hydra_set_up_for_another_program_does(hydra_state):
    hydra_state.clear()
    initialize_config_module("tesserae", version_base="1.2")
    others = hydra_state.hydra
    assert build_model(EMBEDDED_CONFIG).image_size == 512
    assert hydra_state.hydra is others


def test_an_unknown_config_is_refused():
    with pytest.raises(CheckpointError, match="'huge' is unknown"):
        build_model("huge")


def test_weights_move_from_one_model_to_another(mini):
    other = build_model(EMBEDDED_CONFIG)
    load_weights(other, mini.state_dict())
    assert all(torch.equal(value, mini.state_dict()[name]) for name, value in other.state_dict().items())


def test_half_precision_weights_are_converted(mini):
    other = build_model(EMBEDDED_CONFIG)
    load_weights(other, {name: value.half() for name, value in mini.state_dict().items()})
    assert {value.dtype for value in other.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize(
    ("config", "recognised"),
    [("mini", EMBEDDED_CONFIG), ("tiny", TINY), ("tiny_2_1", TINY_2_1)],
)
def test_a_state_dict_tells_its_config(request, config, recognised):
    assert recognise_config(request.getfixturevalue(config).state_dict()) == recognised


@pytest.mark.parametrize(
    "state_dict",
    [
        pytest.param({}, id="empty"),
        pytest.param({"weight": torch.zeros(3)}, id="something else"),
        pytest.param({"image_encoder.trunk.patch_embed.proj.weight": torch.zeros(96, 3)}, id="no blocks"),
        pytest.param({"image_encoder.trunk.patch_embed.proj.weight": torch.tensor(1.0)}, id="a number"),
    ],
)
def test_an_unknown_state_dict_is_not_recognised(state_dict):
    assert recognise_config(state_dict) is None


def test_missing_entries_are_counted_and_the_first_are_named(mini):
    state_dict = dict(mini.state_dict())
    removed = list(state_dict)[:5]
    for name in removed:
        del state_dict[name]
    with pytest.raises(CheckpointError) as caught:
        load_weights(mini, state_dict)
    assert f"5 entries are missing ({', '.join(removed[:3])}, ...)" in str(caught.value)
    assert "unexpected" not in str(caught.value)


def test_one_missing_and_one_unexpected_entry(mini):
    state_dict = dict(mini.state_dict())
    state_dict["no_mem_embedding"] = state_dict.pop("no_mem_embed")
    with pytest.raises(CheckpointError) as caught:
        load_weights(mini, state_dict)
    assert "1 entry is missing (no_mem_embed)" in str(caught.value)
    assert "1 entry is unexpected (no_mem_embedding)" in str(caught.value)
    assert "changed model" in str(caught.value)


def test_another_shape_is_named_with_both_shapes(mini):
    state_dict = dict(mini.state_dict()) | {"no_mem_embed": torch.zeros(1, 1, 64)}
    with pytest.raises(CheckpointError, match=r"1 entry has another shape .*no_mem_embed: expected 1 x 1 x 128, found 1 x 1 x 64"):
        load_weights(mini, state_dict)


def test_an_error_leaves_the_model_as_it_was(mini):
    before = {name: value.clone() for name, value in mini.state_dict().items()}
    state_dict = {name: value + 1 for name, value in before.items()} | {"more": torch.zeros(1)}
    with pytest.raises(CheckpointError):
        load_weights(mini, state_dict)
    assert all(torch.equal(value, before[name]) for name, value in mini.state_dict().items())


def test_a_2_1_file_with_the_2_0_config(tiny, tiny_2_1):
    with pytest.raises(CheckpointError) as caught:
        load_weights(tiny, tiny_2_1.state_dict())
    text = str(caught.value)
    assert "3 entries are unexpected (no_obj_embed_spatial, obj_ptr_tpos_proj.weight, obj_ptr_tpos_proj.bias)" in text
    assert f"config {TINY_2_1}" in text
    assert "only the file has" in text


def test_a_2_0_file_with_the_2_1_config(tiny, tiny_2_1):
    with pytest.raises(CheckpointError, match=rf"3 entries are missing.*config {TINY}.*only the config has"):
        load_weights(tiny_2_1, tiny.state_dict())


def test_a_file_of_another_size(mini, tiny):
    with pytest.raises(CheckpointError) as caught:
        load_weights(mini, tiny.state_dict())
    text = str(caught.value)
    assert "have another shape (the first is" in text
    assert "use that config. It is a model of another size." in text
    assert f"config {TINY}" in text


@pytest.mark.parametrize("prefix", ["module.", "sam2.model."])
def test_a_prefix_before_every_name_is_named(mini, prefix):
    state_dict = {f"{prefix}{name}": value for name, value in mini.state_dict().items()}
    with pytest.raises(CheckpointError, match=f"Every name begins with '{prefix}'"):
        load_weights(mini, state_dict)


def test_something_that_is_no_sam_2(mini):
    with pytest.raises(CheckpointError, match="probably not a SAM 2 checkpoint"):
        load_weights(mini, {"conv1.weight": torch.zeros(3), "fc.bias": torch.tensor(1.0)})


def test_a_built_model_can_be_copied(mini):
    assert pickle.loads(pickle.dumps(mini)).image_size == 512
