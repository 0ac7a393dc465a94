"""The recipe of the embedded model: every number that decides its weights, apart from the code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What one pretraining does.

    Attributes:
        seed: of the initial weights and of every batch.
        pool_size: number of synthetic mosaics.
        finder_steps, finder_lr, finder_warmup: length, peak learning rate and warm-up of stage 1; a stage of no steps is left out.
        joint_steps, joint_lr, joint_warmup: the same of stage 2.
        decoder_steps, decoder_lr, decoder_warmup: the same of stage 3.
    """

    seed: int = 22
    pool_size: int = 3200
    finder_steps: int = 4800
    finder_lr: float = 1.5e-3
    finder_warmup: int = 100
    joint_steps: int = 4000
    joint_lr: float = 5e-4
    joint_warmup: int = 200
    decoder_steps: int = 1500
    decoder_lr: float = 5e-4
    decoder_warmup: int = 200
