"""The worker's jobs, with a recipe that makes fewer steps: what a fine-tune does in minutes is done in seconds, and learns little."""

import os
from dataclasses import replace

from tesserae.jobs import work
from tesserae.training.recipe import DEFAULT, PRESETS

STEPS = 5 if os.environ.get("TESSERAE_PICTURES") else 2  # more of them for the pictures of the docs
SHORT = replace(DEFAULT, views_per_tile=2, rehearsal=0, steps_per_epoch=STEPS, prompts_per_step=12, calibrates=False)
# As `python -m tesserae worker`, but with these jobs.
WORKER = """
from tesserae.jobs.worker import serve
from tesserae.settings import Settings

serve(Settings(), work_module="short_lessons")
"""


def do_job(store, settings, job, report):
    """The engine's child calls this."""
    PRESETS["default"] = SHORT
    return work.do_job(store, settings, job, report)
