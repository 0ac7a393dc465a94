"""The dataset: everything that people approved, as pieces of photo with truth, each on one side of the split; knows no model.

Callers take it from `collect_dataset` (the collection) or `read_folder` (a folder in the layout of the paper's authors), and read its parts
one at a time.
"""

from tesserae.dataset.collecting import collect_dataset
from tesserae.dataset.folders import read_folder
from tesserae.dataset.ground import Ground
from tesserae.dataset.parts import Dataset, Part, Split

__all__ = ["Dataset", "Ground", "Part", "Split", "collect_dataset", "read_folder"]
