"""Corrects a draft at a desk: what is done there is stored before it is shown, and nobody overwrites what they have not seen.

A desk holds the label map of one draft in memory. Threads and sessions of one process share it; other processes have desks of their own.
Each brings itself up to date with the draft's log before it adds to it, and all come to the same label map, for all replay the same log.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from tesserae.corrections.boxes import EMPTY
from tesserae.corrections.log import Entry, Redo, Undo, play
from tesserae.corrections.operations import Approve, BoxXYXY, Correction, PointXY
from tesserae.corrections.regions import count_in_region, drawn_box, touch
from tesserae.corrections.replay import Change, CorrectedMap
from tesserae.errors import ConflictError, CorrectionError
from tesserae.store import Store
from tesserae.store.annotations import AnnotationRecord, Approved, add_annotation, turn_approval
from tesserae.store.drafts import DraftRecord, LoggedEntry, append_corrections, get_draft, read_base, read_entries

_Outcome = TypeVar("_Outcome")


@dataclass(eq=False)
class Desk:
    """A draft that is being corrected.

    Attributes:
        store: the collection.
        draft: its record.
        map: the label map as it is; hold `lock` while looking at it.
        base_count: how many tesserae it began with.
        log: the entries that made it so; entry n of the log has number n.
        lock: held while something changes; the same thread may take it again.
    """

    store: Store
    draft: DraftRecord
    map: CorrectedMap
    base_count: int
    log: list[LoggedEntry] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _done: list[LoggedEntry] = field(default_factory=list)
    _undone: list[LoggedEntry] = field(default_factory=list)

    @property
    def number(self) -> int:
        """How long the log is, as far as this desk knows; a person who is shown the map now has seen so many entries."""
        return len(self.log)

    @property
    def to_undo(self) -> LoggedEntry | None:
        """What `undo` would take back; None where there is nothing."""
        return self._done[-1] if self._done else None

    @property
    def to_redo(self) -> LoggedEntry | None:
        """What `redo` would make again; None where there is nothing."""
        return self._undone[-1] if self._undone else None

    def note(self, logged: LoggedEntry) -> None:
        """Take up an entry that was stored, and made on the map."""
        self.log.append(logged)
        if isinstance(logged.entry.correction, Undo):
            self._undone.append(self._done.pop())
        elif isinstance(logged.entry.correction, Redo):
            self._done.append(self._undone.pop())
        else:
            self._done.append(logged)
            self._undone.clear()


def open_desk(store: Store, draft_id: str) -> Desk:
    """Read a draft and replay its log.

    Raises:
        StoreError: there is no such draft, or the database fails.
        LabelMapError: the label map that it begins with is missing or damaged.
        CorrectionError: an entry of the log cannot be understood or made.
    """
    draft = get_draft(store, draft_id)
    base = CorrectedMap.of(read_base(store, draft))
    desk = Desk(store, draft, base, base.count)
    catch_up(desk)
    return desk


def catch_up(desk: Desk) -> list[LoggedEntry]:
    """Make on the map what others have added to the log, and return it; raises as `open_desk`."""
    with desk.lock:
        news = read_entries(desk.store, desk.draft.id, after=desk.number)
        for logged in news:
            try:
                play(desk.map, logged.entry.correction)
            except CorrectionError as error:
                raise CorrectionError(
                    f"Entry {logged.number} of this draft, by {_name(logged)}, cannot be made again: {error} Open it with the version "
                    "of Tesserae that wrote it, or begin a new draft."
                ) from error
            desk.note(logged)
        return news


def apply(desk: Desk, correction: Correction, author: str, *, seen: int | None = None) -> Change:
    """Make a correction, after those that others made meanwhile elsewhere in the photo. When this returns, it is stored.

    Args:
        correction: any; `approve` gives the annotation of an `Approve` too.
        author: name of the person; "" where it is not known.
        seen: `desk.number` when the map was last shown to this person; by default all that the desk knows.

    Raises, and changes nothing:
        CorrectionError: it cannot be made, or changes nothing.
        ConflictError: somebody changed the same place, and this person has not seen it.
        StoreError: the draft is gone, or the database fails, as on a full disk.
    """
    if isinstance(correction, Approve):
        approve(desk, correction.polygon_xy, author, seen=seen)
        return Change((), 0, desk.map.labels)

    def make(news: list[LoggedEntry]) -> Change:
        entry = Entry(correction, author, datetime.now(UTC))
        if news:
            _expect_elsewhere(news, drawn_box(correction, desk.map.labels.shape))
        with _explained_by(news), desk.map.attempt(correction) as change:
            box = change.box_xyxy
            if box is None:
                raise CorrectionError("This correction changes nothing: there was nothing to change where it was drawn. Draw elsewhere.")
            _expect_elsewhere(news, box)
            append_corrections(desk.store, desk.draft.id, desk.number, [(entry, box)])
        desk.note(LoggedEntry(desk.number + 1, entry, box))
        return change

    return _up_to_date(desk, seen, make)


def undo(desk: Desk, author: str, *, seen: int | None = None) -> Change:
    """Take back the last correction in force, whoever made it. Arguments as in `apply`.

    Raises, and changes nothing:
        CorrectionError: there is none.
        ConflictError: the log has entries that this person has not seen.
        StoreError: the draft is gone, or the database fails.
    """
    return _turn(desk, Undo(), Redo(), author, seen)


def redo(desk: Desk, author: str, *, seen: int | None = None) -> Change:
    """Make again what was undone last. Arguments and errors as in `undo`."""
    return _turn(desk, Redo(), Undo(), author, seen)


def approve(desk: Desk, polygon_xy: tuple[PointXY, ...] | None, author: str, *, seen: int | None = None) -> AnnotationRecord:
    """Vouch for the map inside a polygon, or for all of it, beside what was approved before; returns the annotation that says so.

    Where nothing changed since the last approval, its annotation is returned, and nothing is stored.

    Raises, and changes nothing:
        CorrectionError: the polygon is none.
        ConflictError: somebody changed something inside it, and this person has not seen it.
        OutputError: the label map cannot be kept, as when the disk is full.
        StoreError: photo or draft are gone, or the database fails.
    """
    approval = Approve(polygon_xy)

    def make(news: list[LoggedEntry]) -> AnnotationRecord:
        if news:
            _expect_elsewhere(news, drawn_box(approval, desk.map.labels.shape))
        entry = Entry(approval, author, datetime.now(UTC))
        annotation = add_annotation(desk.store, desk.draft, desk.number, entry, _approved(desk.map, approval))
        if annotation.number > desk.number:
            desk.map.apply(approval)
            desk.note(LoggedEntry(annotation.number, entry, None))
        return annotation

    return _up_to_date(desk, seen, make)


def _up_to_date(desk: Desk, seen: int | None, act: Callable[[list[LoggedEntry]], _Outcome]) -> _Outcome:
    """Let `act` add to the log, given what the person has not seen of it; once more where somebody else was quicker."""
    with desk.lock:
        known = desk.number if seen is None else seen
        catch_up(desk)
        while True:
            try:
                return act(desk.log[known:])
            except ConflictError:
                if not catch_up(desk):  # then it is no matter of being slow
                    raise


def _turn(desk: Desk, action: Undo | Redo, back: Undo | Redo, author: str, seen: int | None) -> Change:
    def turn(news: list[LoggedEntry]) -> Change:
        if news:
            raise ConflictError(f"{_name(news[-1])} corrected this mosaic meanwhile, so nothing was done. Look at it, then decide again.")
        entry, target = Entry(action, author, datetime.now(UTC)), desk.to_undo if isinstance(action, Undo) else desk.to_redo
        change = play(desk.map, action)
        try:
            _store_turn(desk, entry, change.box_xyxy, target)
        except BaseException:
            play(desk.map, back)
            raise
        desk.note(LoggedEntry(desk.number + 1, entry, change.box_xyxy))
        return change

    return _up_to_date(desk, seen, turn)


def _store_turn(desk: Desk, entry: Entry, box: BoxXYXY | None, target: LoggedEntry | None) -> None:
    """Store the undoing or redoing of `target`; the annotation of an approval goes or comes with it."""
    if target is not None and isinstance(target.entry.correction, Approve):
        withdrawn = isinstance(entry.correction, Undo)
        turn_approval(desk.store, desk.draft.id, desk.number, entry, target.number, withdrawn=withdrawn)
    else:
        append_corrections(desk.store, desk.draft.id, desk.number, [(entry, box)])


def _approved(corrected: CorrectedMap, approval: Approve) -> Approved:
    """What is vouched for once `approval` is added to those in force."""
    polygons = [each.polygon_xy for each in (*corrected.approvals, approval)]
    region = None if None in polygons else tuple(dict.fromkeys(polygon for polygon in polygons if polygon is not None))
    ignored = corrected.ignored if corrected.ignored.any() else None
    return Approved(corrected.labels, ignored, region, count_in_region(corrected.labels, corrected.boxes, region))


def _expect_elsewhere(news: list[LoggedEntry], box: BoxXYXY) -> None:
    """Raise ConflictError when an entry that the person has not seen changed pixels in, or beside, a box where they are at work."""
    for logged in reversed(news):
        changed = logged.box_xyxy or EMPTY
        if touch(changed, box):
            where = f"x {changed[0]} to {changed[2]}, y {changed[1]} to {changed[3]}"
            raise ConflictError(f"{_name(logged)} changed this place meanwhile ({where}). Look at it, and draw again.")


@contextmanager
def _explained_by(news: list[LoggedEntry]) -> Iterator[None]:
    """Where a correction cannot be made, say so of what the person has not seen, if there is any: it may be why."""
    try:
        yield
    except CorrectionError as error:
        if news:
            raise ConflictError(
                f"{_name(news[-1])} corrected this mosaic meanwhile, and your correction cannot be made any more: {error} Look at it first."
            ) from error
        raise


def _name(logged: LoggedEntry) -> str:
    return logged.entry.author or "Somebody else"
