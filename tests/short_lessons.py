"""The worker's jobs, with a recipe that makes fewer steps: what a fine-tune does in minutes is done in seconds, and learns little."""

import os
from dataclasses import replace

from tesserae.jobs.work import do_job
from tesserae.training.recipe import DEFAULT, PRESETS

__all__ = ["do_job"]

STEPS = 5 if os.environ.get("TESSERAE_PICTURES") else 2  # more of them for the pictures of the docs
PRESETS["default"] = replace(DEFAULT, views_per_tile=2, rehearsal=0, steps_per_epoch=STEPS, prompts_per_step=12, calibrates=False)
