"""Tesserae: find, count and measure the stones of a mosaic in a photograph.

Importing the package costs nothing: torch, sam2 and streamlit are loaded by the modules that need them.
"""

__version__ = "0.1.0"
