"""What a config may be called."""

import pytest

from tesserae.config_names import EMBEDDED_CONFIG, KNOWN_CONFIGS, resolve_config
from tesserae.errors import CheckpointError

TINY = "configs/sam2/sam2_hiera_t.yaml"
TINY_2_1 = "configs/sam2.1/sam2.1_hiera_t.yaml"


def test_there_are_the_embedded_and_eight_official_configs():
    assert len(KNOWN_CONFIGS) == len(set(KNOWN_CONFIGS)) == 9
    assert KNOWN_CONFIGS[0] == EMBEDDED_CONFIG
    assert {TINY, TINY_2_1, "configs/sam2/sam2_hiera_b+.yaml", "configs/sam2.1/sam2.1_hiera_l.yaml"} < set(KNOWN_CONFIGS)


@pytest.mark.parametrize(
    ("given", "full"),
    [
        (EMBEDDED_CONFIG, EMBEDDED_CONFIG),
        ("tesserae_mini.yaml", EMBEDDED_CONFIG),
        (TINY, TINY),
        ("sam2_hiera_t", TINY),
        ("sam2_hiera_t.yaml", TINY),
        ("sam2_hiera_tiny", TINY),
        ("sam2_hiera_tiny.pt", TINY),
        ("tiny", TINY),
        (" Tiny ", TINY),
        ("2.0-tiny", TINY),
        ("sam2-tiny", TINY),
        ("2.1-tiny", TINY_2_1),
        ("sam2.1_hiera_tiny", TINY_2_1),
        ("base_plus", "configs/sam2/sam2_hiera_b+.yaml"),
        ("sam2.1_hiera_b+", "configs/sam2.1/sam2.1_hiera_b+.yaml"),
        ("large", "configs/sam2/sam2_hiera_l.yaml"),
        ("2.1-large", "configs/sam2.1/sam2.1_hiera_l.yaml"),
    ],
)
def test_short_names_of_configs(given, full):
    assert resolve_config(given) == full


@pytest.mark.parametrize("config", ["", "huge", "configs/sam2/../../secret.yaml", "sam3"])
def test_an_unknown_config_names_the_choices(config):
    with pytest.raises(CheckpointError, match=rf"'{config}' is unknown.*tesserae_mini, sam2-tiny, .*sam2\.1-large"):
        resolve_config(config)
