"""Settings of one installation, read from the environment (prefix TESSERAE_); holds no state beyond that."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things are kept and how far a photo may go; every field is settable as TESSERAE_<FIELD>.

    Attributes:
        home: user data (photos, label maps, caches); created when first written to.
        database_url: address of the collection's database, as in postgresql://user:password@host/name; None is the
            SQLite file tesserae.db in `home`.
        queue_url: address of a Redis server that several machines share, as in redis://host:6379/0; None is the file queue.db in `home`.
        cache_gb: how much the cache of embeddings may take, in GB (10^9 bytes).
        weights: folder of checkpoints; the embedded model lies in it.
        max_pixels: photos above this number of pixels are refused before they are decoded.
        checkpoint_url: base address of the official checkpoints, without a trailing slash.
        hub_url: address of Hugging Face, or of a mirror, for the data set of the paper.
    """

    model_config = SettingsConfigDict(env_prefix="TESSERAE_", frozen=True)

    home: Path = PROJECT_DIR / "data"
    database_url: str | None = None
    queue_url: str | None = None
    cache_gb: float = Field(default=20.0, gt=0)
    weights: Path = PROJECT_DIR / "weights"
    max_pixels: int = Field(default=300_000_000, gt=0)
    checkpoint_url: str = "https://dl.fbaipublicfiles.com/segment_anything_2"
    hub_url: str = "https://huggingface.co"
