"""The fine-tune: a checkpoint learns from approved mosaics on cached features, is judged on others, and is written with its record."""
