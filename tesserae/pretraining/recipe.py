"""The recipe of the embedded model: every number that decides its weights, apart from the code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What one pretraining does.

    Attributes:
        seed: of the initial weights and of every batch.
        pool_size: number of synthetic mosaics.
        finder_steps, finder_lr, finder_warmup: length, peak learning rate and warm-up of stage 1.
        decoder_steps, decoder_lr, decoder_warmup: the same of stage 2.
    """

    seed: int = 22
    pool_size: int = 3200
    finder_steps: int = 4800
    finder_lr: float = 1.5e-3
    finder_warmup: int = 100
    decoder_steps: int = 4000
    decoder_lr: float = 7e-4
    decoder_warmup: int = 200
