"""Pretraining: how the embedded model is made from nothing, on synthetic mosaics only, by `python -m tesserae pretrain`."""
