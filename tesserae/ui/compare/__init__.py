"""The parts of the page that compares: which two models, the run, the figures, the pictures, and the truth where there is one."""

from tesserae.ui.compare.choice import choose_sides
from tesserae.ui.compare.figures import show_areas, show_figures
from tesserae.ui.compare.picture import show_differences
from tesserae.ui.compare.results import compare_results, find_results, offer_run
from tesserae.ui.compare.truth import show_truth

__all__ = [
    "choose_sides",
    "compare_results",
    "find_results",
    "offer_run",
    "show_areas",
    "show_differences",
    "show_figures",
    "show_truth",
]
