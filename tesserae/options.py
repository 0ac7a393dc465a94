"""What may be chosen for a run. Needs no model, so that pages and the queue can speak of runs without torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from tesserae.checkpoints import EMBEDDED_NAME


@dataclass(frozen=True)
class SegmentOptions:
    """What may be chosen for one run.

    Attributes:
        prompts: "finder" asks once per tessera; "grid" is the paper's automatic mask generator.
        cells: with "grid", (rows, columns) of overlapping cells that the photo is cut into first.
        decode: on windows of the embedding, on all of it, or as the photo's own agreement tells ("auto").
        fast: the finder's outlines are the result, without the checkpoint's decoder.
        tessera_px: tessera side in photo pixels if it is known; None lets the finder estimate it.
    """

    prompts: Literal["finder", "grid"] = "finder"
    cells: tuple[int, int] | None = None
    decode: Literal["auto", "window", "full"] = "auto"
    fast: bool = False
    tessera_px: float | None = None


@dataclass(frozen=True)
class RunOptions:
    """What is asked for.

    Attributes:
        checkpoint: its name in the registry.
        segment: prompts and decoding.
        device: auto, cpu, cuda or mps.
        threads: processor threads; None leaves the choice to the libraries.
    """

    checkpoint: str = EMBEDDED_NAME
    segment: SegmentOptions = field(default_factory=SegmentOptions)
    device: str = "auto"
    threads: int | None = None

    def as_dict(self) -> Mapping[str, object]:
        """Plain JSON types, flat."""
        own = {"checkpoint": self.checkpoint, "device": self.device, "threads": self.threads}
        return own | asdict(self.segment)

    @classmethod
    def from_dict(cls, words: Mapping[str, Any]) -> "RunOptions":
        """The options that `as_dict` made, also after they went through JSON."""
        segment = {each.name: words[each.name] for each in fields(SegmentOptions)}
        cells = segment["cells"]
        segment["cells"] = None if cells is None else (int(cells[0]), int(cells[1]))
        return cls(words["checkpoint"], SegmentOptions(**segment), words["device"], words["threads"])
