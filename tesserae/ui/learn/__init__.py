"""The page of the fine-tune: what it would learn from and the button, the run that goes on, the runs before and what came of them."""

from tesserae.ui.learn.begin import offer_learning
from tesserae.ui.learn.follow import follow_learning
from tesserae.ui.learn.outcomes import show_runs
from tesserae.ui.learn.runs import find_runs, unfinished_run

__all__ = ["find_runs", "follow_learning", "offer_learning", "show_runs", "unfinished_run"]
