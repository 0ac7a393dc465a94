"""Segmentation of one photo: the one path that the page, the command line and jobs share, for every checkpoint.

photo -> tessera scale -> tiles -> embedding -> finder's seeds and first outlines -> the checkpoint's masks -> label map.
Each tile is finished before the next begins, so that memory is bounded by the tile. With `fast`, the finder's outlines are the result.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tesserae.checkpoints import EMBEDDED_NAME, Checkpoint, find_checkpoint, load_model, read_checkpoint_file
from tesserae.canvas import Canvas
from tesserae.decoding import AGREEMENT_NEEDED, DecodeMode, Seeds, decode_seeds, keep_one_each, seeds_of_outlines, window_agreement, window_for
from tesserae.device import bfloat16_helps, choose_device
from tesserae.finder import SIDE_UNIT_PX, FinderHead, FinderMaps, outline_tesserae
from tesserae.masks import TileMasks, paint_masks, paint_outlines
from tesserae.predictor import Embedding, Predictor
from tesserae.scale import MAX_SCALE, TesseraScale, estimate_scale
from tesserae.tiling import Tile, cut_tile, plan_tiles

Image = NDArray[np.uint8]
Progress = Callable[[float, str], None]
STAGES = ("load", "find", "embed", "decode", "paint")
HALO_PX = 56  # model pixels around a tile's core, more than two tesserae
SEAM_SLACK_PX = 4.0  # both tiles at a seam may claim a tessera this near to it; the canvas keeps one
