"""The mosaics of a study: rendered once, split as the program does, and nothing that is judged on is ever learned from."""

from itertools import pairwise

import numpy as np
import pytest
from dataset_examples import write_folder
from study_examples import material

from tesserae.errors import DatasetError
from tesserae.pretraining import pool
from tesserae.study import material as material_module
from tesserae.study.material import FIRST_LEARNED_SEED, FIRST_UNSEEN_SEED, read_material, render_material
from tesserae.training import rehearsal


def test_seeds_are_those_of_nothing_else():
    ranges = [(first, first + 10**7) for first in (10**6, FIRST_LEARNED_SEED, FIRST_UNSEEN_SEED, rehearsal.FIRST_SEED, pool.FIRST_SEED)]
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_rendered_mosaics_are_those_of_their_seeds_and_made_once(tmp_path, monkeypatch):
    shares = []
    first = render_material(tmp_path, 1, 1, 128, "verde", shares.append)
    assert ([group[0].name for group in first.groups], first.unseen[0].name) == ([f"{FIRST_LEARNED_SEED}"], f"{FIRST_UNSEEN_SEED}")
    assert shares == [0, 0.5]
    assert "'verde'" in first.notes[0]
    monkeypatch.setattr(material_module, "render_mosaic", None)  # nothing is rendered any more
    again = render_material(tmp_path, 1, 1, 128, "verde", shares.append)
    assert (again.groups, again.unseen) == (first.groups, first.unseen)
    ground = first.unseen[0].read()
    assert ground.image.shape == (128, 128, 3)
    assert len(np.unique(ground.labels)) - 1 == first.unseen[0].count > 5


@pytest.mark.parametrize(("count", "sides"), [(1, (1, 1, 0)), (3, (2, 1, 0)), (None, (4, 1, 0))], ids=["one, cut", "three", "all"])
def test_a_lesson_is_split_as_the_program_does_without_a_test(tmp_path, count, sides):
    study = material(tmp_path, 5)
    lesson = study.lesson(count)
    assert tuple(len(lesson.of_split(split)) for split in ("train", "validation", "test")) == sides
    assert lesson.by_blocks == (count == 1)
    assert not {part.photo_id for part in lesson.parts} & {part.photo_id for part in study.unseen}


def test_more_mosaics_than_there_are_cannot_be_learned_from(tmp_path):
    with pytest.raises(DatasetError, match="Expected 4 mosaics to learn from, found 3"):
        material(tmp_path).lesson(4)


def test_a_folder_is_judged_on_as_a_whole_where_nothing_is_learned(tmp_path):
    study = read_material(write_folder(tmp_path, range(5)), 1, 10**6, trains=False)
    assert (len(study.unseen), study.groups) == (5, ())


def test_a_folder_keeps_its_test_side_for_judging(tmp_path):
    study = read_material(write_folder(tmp_path, range(5)), 1, 10**6, trains=True)
    assert ([len(group) for group in study.groups], len(study.unseen)) == ([1] * 4, 1)
    assert [part.split for part in study.unseen] == ["test"]


def test_too_small_a_folder_has_nothing_left_to_be_judged_on(tmp_path):
    with pytest.raises(DatasetError, match=r"at least five mosaics in .*; found 4"):
        read_material(write_folder(tmp_path, range(4)), 1, 10**6, trains=True)
