"""Choosing the two models, A and B; the choice stands in the page's address, so that a reload or a shared link keeps it."""

from dataclasses import dataclass, replace

import streamlit as st

from tesserae.activation import active_name
from tesserae.checkpoints import Checkpoint, Kind, list_checkpoints, list_problems
from tesserae.service import RunOptions
from tesserae.settings import Settings
from tesserae.ui.options import METHODS

_ORIGIN: dict[Kind, str] = {"embedded": "comes with the program", "official": "published by Meta", "finetuned": "fine-tuned"}


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
    for problem in list_problems(settings.weights):
        st.warning(problem)
    known = list_checkpoints(settings.weights, settings.checkpoint_url)
    installed = {checkpoint.name: checkpoint for checkpoint in known if checkpoint.installed}
    if not installed:
        st.error(
            f"No model is installed. Expected tesserae_mini.pt, which comes with the program, in {settings.weights}. "
            "Restore that file, then load this page again."
        )
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
    name = _choose(f"Model {letter}", f"model_{letter.lower()}", {key: _describe(each) for key, each in installed.items()}, default)
    way = _choose(
        f"How {letter} looks",
        f"way_{letter.lower()}",
        {way: way for way in METHODS},
        next(iter(METHODS)),
        help_text=" ".join(f"**{way}:** {caption}" for way, (caption, _) in METHODS.items()),
    )
    return Side(letter, installed[name], way, name)


def _choose(label: str, key: str, words: dict[str, str], default: str, help_text: str | None = None) -> str:
    """A field for one of the keys of `words`; what was chosen is written to the address, and taken from there at first."""
    asked = st.query_params.get(key)
    index = list(words).index(asked if asked in words else default)
    chosen: str = st.selectbox(label, list(words), index=index, format_func=words.__getitem__, key=key, help=help_text)
    st.query_params[key] = chosen
    return chosen


def _describe(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.name} ({_ORIGIN[checkpoint.kind]})"
