"""Names of architectures: which configs there are, and what a config may be called for short. Knows nothing of models."""

from tesserae.errors import CheckpointError

EMBEDDED_CONFIG = "tesserae_mini"

_LETTERS = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}  # in the configs' file names
OFFICIAL_CONFIGS = {
    (version, size): f"configs/{version}/{version}_hiera_{letter}.yaml"
    for version in ("sam2", "sam2.1")
    for size, letter in _LETTERS.items()
}
KNOWN_CONFIGS: tuple[str, ...] = (EMBEDDED_CONFIG, *OFFICIAL_CONFIGS.values())


def resolve_config(config: str) -> str:
    """Give the full name of a config.

    Accepted are the names in `KNOWN_CONFIGS`; the file name of such a config or of its official checkpoint, with or
    without its ending; and a size with or without a version (`large`, `2.1-large`; without a version it is 2.0).

    Raises:
        CheckpointError: the name means none of them.
    """
    if config in KNOWN_CONFIGS:
        return config
    found = _short_names().get(config.strip().lower())
    if found is None:
        choices = ", ".join([EMBEDDED_CONFIG, *(f"{version}-{size}" for version, size in OFFICIAL_CONFIGS)])
        raise CheckpointError(f"The config '{config}' is unknown. Expected one of: {choices}. Give one of these names.")
    return found


def _short_names() -> dict[str, str]:
    names = {EMBEDDED_CONFIG: EMBEDDED_CONFIG, f"{EMBEDDED_CONFIG}.yaml": EMBEDDED_CONFIG}
    for (version, size), config in OFFICIAL_CONFIGS.items():
        stem = config.split("/")[-1].removesuffix(".yaml")
        checkpoint = f"{version}_hiera_{size}"
        number = "2.1" if version == "sam2.1" else "2.0"
        short = [config, stem, f"{stem}.yaml", checkpoint, f"{checkpoint}.pt", f"{number}-{size}", f"{version}-{size}"]
        names |= dict.fromkeys(short, config)
    return names | {size: OFFICIAL_CONFIGS["sam2", size] for size in _LETTERS}
