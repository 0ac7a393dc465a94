"""Domains: materials and mortar of one workshop, in place of drawn ones. One that the pretraining never drew is a test of learning."""

from dataclasses import dataclass

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Domain:
    """Stones and mortar of one kind.

    Attributes:
        name: of the domain.
        stones: their colours, sRGB in 0..1.
        mortar_offset: the mortar's colour less the mean colour of the stones.
    """

    name: str
    stones: tuple[Rgb, ...]
    mortar_offset: Rgb


VERDE = Domain("verde", ((0.33, 0.42, 0.35), (0.37, 0.46, 0.38), (0.29, 0.37, 0.33), (0.35, 0.41, 0.38)), (0.045, 0.04, 0.05))
"""Serpentine in a mortar of its own dust: nearer to its stones (0.08) than any that the pretraining draws (0.13), in a hue it lacks."""

DOMAINS = {domain.name: domain for domain in (VERDE,)}
