"""What one visitor's session keeps of a draft under correction, beside what is stored: view, tool, the proposal, the last change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tesserae.corrections.operations import BoxXYXY, MaskRuns, PointXY, Several
from tesserae.corrections.replay import Change
from tesserae.review import Suggestion
from tesserae.store.decisions import DecisionRecord
from tesserae.ui.correct.tools import TOOLS, Tool
from tesserae.ui.correct.view import View

Points = tuple[tuple[PointXY, int], ...]
"""Photo points with 1 (inside the stone) or 0 (outside), in order."""

Ask = Callable[[Points, BoxXYXY | None], "Proposal"]
"""Asks the model for the stone that clicks and a box mean; raises TesseraeError when it sees none."""

Tone = Literal["done", "refused"]


@dataclass(frozen=True)
class Proposal:
    """The model's answer to clicks.

    Attributes:
        mask: the stone.
        predicted_iou: how right the model expects its outline to be, 0..1.
        prompt: what was asked of which model, for the log.
    """

    mask: MaskRuns
    predicted_iou: float
    prompt: Mapping[str, object]


@dataclass
class Queue:
    """Suggestions, what was decided of each, now or earlier, by its place, and which one is looked at."""

    suggestions: list[Suggestion]
    decisions: dict[str, DecisionRecord]
    at: int = 0

    @property
    def present(self) -> Suggestion:
        """The one that is looked at; there is one unless the queue is empty."""
        return self.suggestions[self.at]

    @property
    def done(self) -> int:
        """How many were decided."""
        return sum(each.place in self.decisions for each in self.suggestions)

    def next_open(self) -> int:
        """How many steps it is to the next one that was not decided, from the present one on; 0 where there is none."""
        return next((step for step, each in enumerate(self.suggestions[self.at :]) if each.place not in self.decisions), 0)


@dataclass(frozen=True)
class Preview:
    """What a clean-up would do to the map as it was when the log had `seen` entries; `corrections` is None where there is nothing to do."""

    seen: int
    corrections: Several | None
    count_change: int


@dataclass
class Bench:
    """The state of the page for one draft.

    Attributes:
        view: what the canvas shows.
        seen: number of the last entry of the log that the picture shows; what came later was not seen by this visitor.
        strokes: how many were taken; it is part of the canvas' key, so that each stroke is drawn on an empty canvas.
        canvas: key of the canvas that is shown; one that is on its way out may report its stroke once more.
        tool: name of the tool in hand.
        clicks: those for the model.
        asked_box: the box for the model, photo pixels.
        proposal: the model's answer to them.
        last_change: the pixels before the last correction and where, for the look back.
        message: what became of the last stroke, and how.
        focus: the place that a suggestion speaks of.
        queue: the suggestions; None until they are asked for.
        previews: what each clean-up would do, by its name.
    """

    view: View
    seen: int = 0
    strokes: int = 0
    canvas: str = ""
    tool: str = TOOLS[0].name
    clicks: Points = ()
    asked_box: BoxXYXY | None = None
    proposal: Proposal | None = None
    last_change: Change | None = None
    message: tuple[Tone, str] | None = None
    focus: BoxXYXY | None = None
    queue: Queue | None = None
    previews: dict[str, Preview] = field(default_factory=dict)

    @property
    def tool_in_hand(self) -> Tool:
        """The tool itself."""
        return next(tool for tool in TOOLS if tool.name == self.tool)

    def forget_proposal(self) -> None:
        """Drop the model's proposal and what led to it."""
        self.clicks, self.asked_box, self.proposal = (), None, None

    def start_queue(self, suggestions: list[Suggestion], decisions: dict[str, DecisionRecord]) -> None:
        """Begin with the first of new suggestions that was not decided earlier."""
        self.queue = Queue(suggestions, decisions)
        self.go_in_queue(self.queue.next_open())

    def go_in_queue(self, steps: int) -> None:
        """Turn to another suggestion, and bring its place into view."""
        queue = self.queue
        if queue is None or not queue.suggestions:
            self.focus = None
            return
        queue.at = min(max(queue.at + steps, 0), len(queue.suggestions) - 1)
        self.focus = queue.present.box_xyxy
        self.view = self.view.showing(self.focus)

    def take_decision(self, decision: DecisionRecord) -> None:
        """Note what became of the present suggestion, and turn to the next that is open, or to the next one."""
        if self.queue is not None:
            self.queue.decisions[decision.place] = decision
            self.go_in_queue(self.queue.next_open() or 1)
