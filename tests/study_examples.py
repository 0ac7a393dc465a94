"""What tests of studies share: mosaics to learn from and unseen ones, findings, and a stand-in for the models."""

from dataclasses import replace

import numpy as np
from dataset_examples import LABELS, write_folder

from tesserae.study.calibration import Bin, Calibration
from tesserae.study.findings import Finding, Training
from tesserae.study.material import Material, read_material
from tesserae.training.figures import MosaicFigures

FIGURES = MosaicFigures(
    true_count=100, found_count=90, f1_50=0.9, f1_75=0.8, mean_f1=0.7, pixel_iou=0.85, precision=0.95, recall=0.88, f_measure=0.9,
    count_error=-0.1, abs_count_error=0.1,
)  # fmt: skip
TRAINING = Training(
    mosaics=1, tesserae=80, sentence="Trained on 1 mosaic.", notes=("Cut in two.",), best_epoch=1, goodness=(0.5, 0.6, 0.55),
    losses=(0.4, 0.3), epoch_s=(10.0, 12.0), memory_mb=900.0,
)  # fmt: skip


def finding(variant, f1=0.9, training=None, calibrated=True):
    figures = {"wall": replace(FIGURES, f1_50=f1), "floor": replace(FIGURES, f1_50=f1 - 0.1)}
    return Finding(variant, figures, Calibration((Bin(9, 0.9, 0.8),), 0.1) if calibrated else None, 3.0, training)


def material(folder, learned=3):
    """Small photos of noise, `learned` to learn from and one unseen."""
    parts = read_material(write_folder(folder, range(learned + 1)), 0, 10**6, trains=False).unseen
    whole = [replace(part, split="test", box_xyxy=(0, 0, *LABELS.shape[::-1])) for part in parts]
    return Material(tuple((part,) for part in whole[:learned]), tuple(whole[learned:]), ("Noise.",))


def lacking(labels, number):
    """The label map without one of its tesserae."""
    return np.where(labels == number, 0, labels).astype(np.int32)
