"""Runs in words: stages, time, memory, and how things stand."""

import pytest
from learn_examples import NAME, epoch, facts

from tesserae.ui.learn.runs import Run, memory_in_words, stage_in_words, time_in_words, time_left_s


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("", "Starting"),
        ("load", "Loading the model"),
        ("features", "Looking at the photos, once for all rounds"),
        ("epoch 3 of 10", "Learning, round 3 of 10"),
        ("judging epoch 3", "Checking what it has learned in round 3"),
        ("shortening the way", "Finding out how near to the old model it may stay"),
        ("thresholds", "Finding out how sure it has to be of a tessera"),
        ("judging sam2_hiera_tiny", "Comparing with the other models: sam2_hiera_tiny"),
        ("something new", "something new"),
    ],
)
def test_a_stage_is_put_into_words(stage, words):
    assert stage_in_words(stage) == words


@pytest.mark.parametrize(("seconds", "words"), [(20, "under 1 min"), (420, "7 min"), (9000, "2.5 h")])
def test_a_length_of_time_is_put_into_words(seconds, words):
    assert time_in_words(seconds) == words


def test_memory_is_put_into_words():
    assert (memory_in_words(640.4), memory_in_words(1480)) == ("640 MB", "1.5 GB")


@pytest.mark.parametrize(("last", "seconds"), [(0, None), (1, 540.0), (3, 420.0)])
def test_time_left_follows_from_the_finished_rounds(last, seconds):
    run = Run(NAME, facts(), tuple(epoch(number) for number in range(last + 1)), (), None, None)
    assert time_left_s(run) == seconds
    assert (run.state, run.unfinished) == ("elsewhere", False)


def test_nothing_is_known_of_a_run_that_has_not_begun():
    run = Run(NAME, None, (), (), None, None)
    assert (time_left_s(run), run.most_epochs, run.done_epochs) == (None, None, 0)
