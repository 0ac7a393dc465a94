"""The dataset: everything that people approved, as pieces of photo with truth, each on one side of the split; knows no model.

Callers take it from `collect_dataset` (the collection) or `read_folder` (a folder in the layout of the paper's authors), and read its parts
one at a time. `packing` writes it to files, `taking` takes one from files into the collection.
"""

from tesserae.dataset.collecting import collect_dataset, dataset_of
from tesserae.dataset.folders import read_folder
from tesserae.dataset.ground import Ground
from tesserae.dataset.membership import Member, find_members, move_member
from tesserae.dataset.parts import Dataset, Part
from tesserae.store.members import Split

__all__ = ["Dataset", "Ground", "Member", "Part", "Split", "collect_dataset", "dataset_of", "find_members", "move_member", "read_folder"]
