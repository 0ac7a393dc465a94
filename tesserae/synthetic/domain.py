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
        marbling: by which the darker veins and lighter clouds inside a stone differ from its colour; joints may differ less.
    """

    name: str
    stones: tuple[Rgb, ...]
    mortar_offset: Rgb
    marbling: float = 0.0


VERDE = Domain("verde", ((0.42, 0.45, 0.40), (0.46, 0.48, 0.42), (0.38, 0.42, 0.38), (0.44, 0.46, 0.44)), (-0.09, -0.09, -0.085), 0.38)
"""Verde antico, a green breccia, in a mortar of its own dust: the veins inside a stone are darker than its joints are."""

DOMAINS = {domain.name: domain for domain in (VERDE,)}
