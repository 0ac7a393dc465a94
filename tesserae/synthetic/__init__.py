"""Synthetic mosaics: photographs of mosaics that never existed, with an exact label map; the same seed gives the same bytes."""

from tesserae.synthetic.mosaic import SyntheticMosaic, render_mosaic, write_mosaics

__all__ = ["SyntheticMosaic", "render_mosaic", "write_mosaics"]
