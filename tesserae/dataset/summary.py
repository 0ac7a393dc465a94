"""Says in sentences how the dataset of a collection is split, or why nothing can be learned from it yet, and what would make it better."""

from tesserae.dataset.collecting import collect_dataset
from tesserae.dataset.parts import Dataset
from tesserae.errors import DatasetError
from tesserae.settings import Settings
from tesserae.store import Store


def describe_dataset(store: Store, settings: Settings) -> tuple[str, ...]:
    """Return sentences for people; raises StoreError, PhotoError or LabelMapError when a file is lost or damaged."""
    try:
        dataset = collect_dataset(store, settings)
    except DatasetError as error:
        return (str(error),)
    return summarize(dataset)


def summarize(dataset: Dataset) -> tuple[str, ...]:
    """Return sentences on how much there is on each side of the split, and how it was split."""
    counts = dataset.tessera_count("train"), dataset.tessera_count("validation"), dataset.tessera_count("test")
    return (
        f"{counts[0]:,} tesserae to learn from, {counts[1]:,} to check on, {counts[2]:,} to test on.",
        *dataset.notes,
    )
