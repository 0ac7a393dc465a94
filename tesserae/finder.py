"""The finder: where are tesserae, how large are they, and one seed for each.

A small head on the encoder's features predicts three maps: the interior of tesserae, the distance to the joint relative to
the tessera's own greatest distance (so that every tessera, large or small, peaks at 1), and the local side length. Seeds are the
islands of high relative distance; a seeded watershed inside the interior gives a first outline of each tessera.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed
from torch import nn
from torch.nn import functional

SIDE_UNIT_PX = 24.0  # the size channel is log2(side / SIDE_UNIT_PX)
WORKING_SIDE_PX = 18.0  # tesserae of this side (square root of the area) are found best
INTERIOR_ABOVE = 0.5
PEAK_ABOVE = 0.46  # islands of relative distance above this are seeds (docs/decisions.md)
MIN_AREA_PX = 20  # in the finder's pixels; its unit tessera has 576
FRAGMENT_SHARE = 0.25  # a piece below this share of the area that the finder expects there is a fragment, or a speck of mortar


@dataclass(frozen=True)
class FinderMaps:
    """What the finder says of one picture, in its pixels.

    Attributes:
        interior: float32 (H, W), probability that the pixel is tessera, not joint or mortar.
        distance: float32 (H, W), distance to the joint divided by the tessera's greatest, about 0..1.
        log_side: float32 (H, W), log2 of the local tessera side in units of `SIDE_UNIT_PX`.
    """

    interior: NDArray[np.float32]
    distance: NDArray[np.float32]
    log_side: NDArray[np.float32]


def outline_tesserae(maps: FinderMaps, peak_above: float = PEAK_ABOVE) -> NDArray[np.int32]:
    """Return a label map int32 (H, W) of first outlines: a watershed of the relative distance from its peaks, inside the interior.

    Islands of relative distance above `peak_above` are peaks.
    """
    interior = maps.interior > INTERIOR_ABOVE
    outlines: NDArray[np.int32] = watershed(-maps.distance, find_peaks(maps, peak_above), mask=interior).astype(np.int32)
    outlines[_too_small(outlines, maps.log_side)[outlines]] = 0
    return outlines


def _too_small(outlines: NDArray[np.int32], log_side: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell for each number in the outlines, and 0, whether it is too small for a tessera: at all, or for one of the size expected there.

    True chips stand where the finder expects small stones; a chip among large ones is a fragment of its neighbour. What the picture's edge
    cuts may have any size.
    """
    area_px = np.bincount(outlines.ravel())
    log_side_of = np.bincount(outlines.ravel(), log_side.ravel()) / np.maximum(area_px, 1)
    expected_px = (SIDE_UNIT_PX * np.exp2(log_side_of)) ** 2
    whole = np.ones(len(area_px), dtype=bool)
    whole[np.concatenate([outlines[0], outlines[-1], outlines[:, 0], outlines[:, -1]])] = False
    too_small: NDArray[np.bool_] = (area_px < MIN_AREA_PX) | (whole & (area_px < FRAGMENT_SHARE * expected_px))
    too_small[0] = False
    return too_small


def find_peaks(maps: FinderMaps, peak_above: float = PEAK_ABOVE) -> NDArray[np.int32]:
    """Return the seeds as int32 (H, W): one number per island of high relative distance inside the interior, 0 elsewhere."""
    islands, _ = ndimage.label((maps.distance > peak_above) & (maps.interior > INTERIOR_ABOVE))
    return np.asarray(islands, dtype=np.int32)


def typical_log_side(maps: FinderMaps, where: NDArray[np.bool_]) -> float:
    """Return the log2 side, in units of `SIDE_UNIT_PX`, of the median tessera on the pixels `where` bool (H, W).

    Every tessera has one vote, whatever its size: a pixel counts by the inverse of the area that its tessera has there. The median over
    pixels would be that of the large stones, and the small ones between them would be merged.
    """
    log_side = np.sort(maps.log_side[where])
    votes = np.cumsum(np.exp2(-2 * log_side.astype(np.float64)))
    return float(log_side[np.searchsorted(votes, 0.5 * votes[-1])])


class FinderHead(nn.Module):
    """Three maps from the neck's three levels (strides 4, 8, 16) and the picture itself.

    Normalised over channels at each place, not over the picture: what the head says of a place must not depend on the rest of
    the tile, or tesserae would change at seams.
    """

    def __init__(self, d_model: int = 128, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1), nn.ReLU(inplace=True))
        self.stem_half = nn.Sequential(_block(16, 32, stride=2), _block(32, 32))
        self.stem_quarter = nn.Sequential(_block(32, width, stride=2), _block(width, width))
        self.lateral = nn.ModuleList([nn.Conv2d(d_model, width, 1) for _ in range(3)])
        self.at_quarter = nn.Sequential(_block(width, width), _block(width, width))
        self.half_from_quarter = nn.Conv2d(width, 40, 1)
        self.half_from_stem = nn.Conv2d(32, 40, 3, 1, 1, bias=False)
        self.at_half = nn.Sequential(_ChannelNorm(40), nn.ReLU(inplace=True), _block(40, 32))
        # each place at half the resolution says its four pixels; layers at full resolution cost as much as all the others together
        self.at_full = nn.Sequential(nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU(inplace=True), nn.Conv2d(32, 8, 1), nn.PixelShuffle(2))
        self.side_from_neck = nn.Conv2d(d_model, width, 1)
        # GELU here: with ReLU these two layers died early in training and gave one size everywhere
        self.side = nn.Sequential(nn.Conv2d(2 * width, width, 3, 1, 1), nn.GELU(), nn.Conv2d(width, 1, 1))

    def forward(self, picture: torch.Tensor, levels: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (B, 2, H, W) of interior and relative distance, and log_side (B, 1, H/16, W/16).

        `picture` is the normalised tile (B, 3, H, W); `levels` the neck's outputs before the decoder's own convolutions.
        """
        stem_half = self.stem_half(self.stem(picture))
        size = levels[0].shape[-2:]
        merged = self.stem_quarter(stem_half)
        for convolve, level in zip(self.lateral, levels, strict=True):
            merged = merged + _resize(convolve(level), size)
        quarter = self.at_quarter(merged)
        half = self.at_half(_resize(self.half_from_quarter(quarter), stem_half.shape[-2:]) + self.half_from_stem(stem_half))
        full = self.at_full(half)
        coarse = functional.adaptive_avg_pool2d(quarter, (levels[2].shape[-2], levels[2].shape[-1]))
        return full, self.side(torch.cat([coarse, self.side_from_neck(levels[2])], 1))


class _ChannelNorm(nn.Module):
    """Layer normalisation over the channels of (B, C, H, W) at each place; none at full resolution, where it would cost most."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        channels_last = features.permute(0, 2, 3, 1)
        return functional.layer_norm(channels_last, self.weight.shape, self.weight, self.bias).permute(0, 3, 1, 2)


def _block(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, stride, 1), _ChannelNorm(channels_out), nn.ReLU(inplace=True))


def _resize(features: torch.Tensor, size: tuple[int, int] | torch.Size) -> torch.Tensor:
    if features.shape[-2:] == size:
        return features
    return functional.interpolate(features, size=size, mode="bilinear", align_corners=False)
