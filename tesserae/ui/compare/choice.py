"""Choosing the two models, A and B; the choice stands in the page's address, so that a reload or a shared link keeps it."""

from dataclasses import dataclass, replace

import streamlit as st

from tesserae.activation import active_name
from tesserae.checkpoints import Checkpoint
from tesserae.options import RunOptions
from tesserae.settings import Settings
from tesserae.ui.options import METHODS, choose_model, choose_way, installed_models


@dataclass(frozen=True)
class Side:
    """One of the two models.

    Attributes:
        letter: "A" or "B".
        checkpoint: the model.
        way: how it looks, a key of `METHODS`.
        name: for people; tells the two apart.
    """

    letter: str
    checkpoint: Checkpoint
    way: str
    name: str

    @property
    def options(self) -> RunOptions:
        """What is asked for."""
        return RunOptions(checkpoint=self.checkpoint.name, segment=METHODS[self.way][1])


Sides = tuple[Side, Side]


def choose_sides(settings: Settings) -> Sides | None:
    """Show the fields; None, with a sentence, when there are no two different ones."""
    installed = installed_models(settings)
    if not installed:
        return None
    first, second = _defaults(list(installed.values()), active_name(settings))
    a, b = _choose_side("A", installed, first), _choose_side("B", installed, second)
    if a.options == b.options:
        more = "" if len(installed) > 1 else " Only one is installed; the page **Models** tells how to get others."
        st.info(f"A and B are the same. Choose another model for one of them, or another way to look.{more}")
        return None
    if a.checkpoint == b.checkpoint:
        return replace(a, name=f"{a.name} ({a.way.lower()})"), replace(b, name=f"{b.name} ({b.way.lower()})")
    return a, b


def _defaults(installed: list[Checkpoint], active: str) -> tuple[str, str]:
    """The first baseline, and beside it the active fine-tuned model, else another fine-tuned one, else another baseline."""
    baselines = [each.name for each in installed if each.kind != "finetuned"]
    finetuned = [each.name for each in installed if each.kind == "finetuned"]
    finetuned.sort(key=lambda name: name != active)  # stable: the active one first, the others as they came
    first = [*baselines, *finetuned][0]
    others = [name for name in (*finetuned, *baselines) if name != first]
    return first, others[0] if others else first


def _choose_side(letter: str, installed: dict[str, Checkpoint], default: str) -> Side:
    name = choose_model(f"Model {letter}", f"model_{letter.lower()}", installed, default)
    way = choose_way(f"How {letter} looks", f"way_{letter.lower()}")
    return Side(letter, installed[name], way, name)
