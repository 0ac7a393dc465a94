"""Corrections by hand: what staff may do to a label map, replayed from an append-only log over what the model found."""
