"""The review queue: suggestions where to look first in a label map, each with its reasons, a score, and a fix where one is clear.

Pure: from a label map, with the model's scores and a second opinion where there are any, to a list. What a person does about a suggestion
is a correction like any other; the next queue is made from the corrected map.
"""

from tesserae.review.cues import KINDS, Kind
from tesserae.review.reasons import Reason
from tesserae.review.suggestions import LEAST_SCORE, Suggestion, suggest

__all__ = ["KINDS", "LEAST_SCORE", "Kind", "Reason", "Suggestion", "suggest"]
