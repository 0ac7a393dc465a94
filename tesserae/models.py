"""What one run needs in memory: the chosen checkpoint's predictor, and the embedded model's encoder and finder head."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tesserae.architecture import SAM2Base, StateDict, build_model, load_weights, read_checkpoint_file
from tesserae.checkpoints import EMBEDDED_NAME, Checkpoint
from tesserae.config_names import EMBEDDED_CONFIG
from tesserae.decoding import window_for
from tesserae.device import bfloat16_helps, choose_device
from tesserae.errors import CheckpointError
from tesserae.finder import PEAK_ABOVE, FinderHead
from tesserae.predictor import Predictor
from tesserae.weights import load_model

logger = logging.getLogger(__name__)

EMBEDDED_SIDE_PX = 32.0
"""Tessera side in tile pixels that the embedded model's decoder learned at; holds for all of its architecture unless a record says else."""

_TESSERAE_ACROSS = 21  # a tile shows about as many where the record does not say what the checkpoint was trained for


@dataclass(frozen=True)
class Models:
    """Loaded models.

    Attributes:
        checkpoint: the chosen one.
        predictor: its model.
        finder_predictor: the embedded model, which the finder head reads; the same object where both share one encoder.
        finder: the head; the checkpoint's own where one was trained with it.
        encoder_id: of all weights that decide the predictor's embeddings; equal ids, equal embeddings.
        finder_id: of all weights that decide what the finder says.
    """

    checkpoint: Checkpoint
    predictor: Predictor
    finder_predictor: Predictor
    finder: FinderHead
    encoder_id: str
    finder_id: str

    @property
    def decode_side_px(self) -> float:
        """Tessera side in tile pixels at which masks are drawn: of the record, else of the architecture, else a share of the tile."""
        recorded = self.checkpoint.record.get("decode_side_px")
        if isinstance(recorded, int | float):
            return float(recorded)
        return EMBEDDED_SIDE_PX if self.checkpoint.config == EMBEDDED_CONFIG else self.predictor.tile_px / _TESSERAE_ACROSS

    @property
    def embeddings_id(self) -> str:
        """Of the encoder, its number format and its scale: of one photo, runs with equal ones need the same embeddings."""
        return f"{self.encoder_id} {self.dtype} {self.decode_side_px:g}"

    @property
    def trained_for_windows(self) -> bool:
        """Whether the checkpoint's record says that its decoder learned on windows of the embedding."""
        return self.checkpoint.record.get("decode") == "window"

    @property
    def mask_prompts(self) -> bool:
        """Whether the checkpoint's record says that first outlines as mask prompts make it better."""
        return bool(self.checkpoint.record.get("mask_prompts", False))

    @property
    def least_predicted_iou(self) -> float:
        """Below this predicted IoU the first outline is better than the checkpoint's mask; 0 where the record does not say."""
        recorded = self.checkpoint.record.get("least_predicted_iou")
        return float(recorded) if isinstance(recorded, int | float) else 0.0

    @property
    def peak_above(self) -> float:
        """Relative distance above which the finder sees a seed: of the record, where a fine-tune set it on its validation mosaics."""
        recorded = self.checkpoint.record.get("peak_above")
        return float(recorded) if isinstance(recorded, int | float) else PEAK_ABOVE

    def window(self) -> int:
        """Tokens a side of the window around a tessera."""
        return window_for(self.decode_side_px, self.predictor.grid)

    @property
    def dtype(self) -> str:
        """Precision of the computation."""
        return "bfloat16" if self.predictor.bfloat16 else "float32"


def load_models(checkpoint: Checkpoint, device_name: str) -> Models:
    """Load a checkpoint and the embedded model, which lies in the same folder and sees for the finder head, onto a device.

    Raises:
        CheckpointError: a file is missing, damaged, or holds no finder head.
        DeviceError: the device is not there.
    """
    device = choose_device(device_name)
    bfloat16 = bfloat16_helps(device)
    embedded, finder = load_embedded(checkpoint.path.parent / f"{EMBEDDED_NAME}.pt")
    seeing = Predictor(embedded, device, bfloat16=bfloat16)
    predictor = seeing
    if checkpoint.name != EMBEDDED_NAME:
        predictor = Predictor(load_model(checkpoint), device, bfloat16=bfloat16)
        seeing = _take_own_finder(checkpoint, finder, predictor, seeing)
    finder_id = identify_weights(encoder_weights(seeing.model) | finder.state_dict(prefix="finder."))
    encoder_id = identify_weights(encoder_weights(predictor.model))
    return Models(checkpoint, predictor, seeing, finder.to(device).eval(), encoder_id, finder_id)


def identify_weights(weights: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 over names, types, shapes and numbers of weights, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load_embedded(path: Path) -> tuple[SAM2Base, FinderHead]:
    """Load the embedded model and its finder head, both in eval mode on the CPU.

    Raises CheckpointError when the file is missing, damaged, or holds no finder head.
    """
    contents = read_checkpoint_file(path)
    if "finder" not in contents:
        raise CheckpointError(
            f"Expected the embedded model with its finder head in {path.name}, found a checkpoint without one. "
            "Put the file that came with the program back in its place."
        )
    with torch.random.fork_rng(devices=[]):
        model, finder = build_model(EMBEDDED_CONFIG), FinderHead()
    load_weights(model, contents["model"])
    _fill_finder(finder, contents["finder"], path)
    return model, finder.eval()


def _take_own_finder(checkpoint: Checkpoint, finder: FinderHead, own: Predictor, embedded: Predictor) -> Predictor:
    """Fill the head with what a fine-tune made of it, if the checkpoint brings one, and return the model that sees for it.

    A head understands the encoder that it was trained with: the checkpoint's own, else the embedded one. If it is neither, as after an
    update of the program, the embedded head goes on serving.
    """
    contents = read_checkpoint_file(checkpoint.path) if checkpoint.kind == "finetuned" else {}
    if "finder" not in contents:
        return embedded
    wanted = checkpoint.record.get("finder_encoder_id")
    for predictor in (own, embedded):
        if identify_weights(encoder_weights(predictor.model)) == wanted:
            _fill_finder(finder, contents["finder"], checkpoint.path)
            return predictor
    logger.warning(
        "The finder head of %s was trained with another version of the embedded model; the program's own head serves instead. "
        "Fine-tune again to have one of its own.",
        checkpoint.name,
    )
    return embedded


def _fill_finder(finder: FinderHead, weights: StateDict, path: Path) -> None:
    try:
        finder.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"The finder head in {path.name} does not fit this version of the program: {error}") from error


def encoder_weights(model: SAM2Base) -> dict[str, torch.Tensor]:
    """Return all that an embedding is computed with: the image encoder, and three small parts that the decoder owns."""
    owned = ("image_encoder.", "sam_mask_decoder.conv_s0.", "sam_mask_decoder.conv_s1.", "no_mem_embed")
    return {name: value for name, value in model.state_dict().items() if name.startswith(owned)}
