"""The page of the dataset: how it is split, its mosaics one by one, and its way in and out as files."""

from tesserae.ui.dataset.exchange import offer_downloads, offer_import
from tesserae.ui.dataset.mosaics import show_members
from tesserae.ui.dataset.split import show_split

__all__ = ["offer_downloads", "offer_import", "show_members", "show_split"]
