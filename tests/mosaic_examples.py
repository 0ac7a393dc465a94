"""Small label maps laid in rows, for tests of what looks at tesserae among others."""

import numpy as np


def lay(rows, columns, side=8, joint=4):
    """Square tesserae numbered in reading order, joints between and half a joint around them; int32 (H, W)."""
    pitch = side + joint
    labels = np.zeros((rows * pitch, columns * pitch), dtype=np.int32)
    for number in range(rows * columns):
        labels[box_of(number + 1, columns, side, joint)] = number + 1
    return labels


def box_of(number, columns, side=8, joint=4):
    """Rows and columns of one of them."""
    row, column = divmod(number - 1, columns)
    y, x = (joint // 2 + place * (side + joint) for place in (row, column))
    return slice(y, y + side), slice(x, x + side)


def crack(labels, number, columns, side=8, joint=4, width=1):
    """Cut a tessera in two from top to bottom; the right part gets the next number, which is returned with the new map."""
    cracked = labels.copy()
    rows, across = box_of(number, columns, side, joint)
    middle = across.start + side // 2
    cracked[rows, middle - width : middle] = 0
    new = int(labels.max()) + 1
    cracked[rows, middle : across.stop] = new
    return cracked, new


def join(labels, number, columns, side=8, joint=4, rows_joined=slice(3, 5)):
    """Fuse a tessera with its right neighbour by a bridge over the joint; both have its number."""
    fused = labels.copy()
    rows, across = box_of(number, columns, side, joint)
    fused[labels == number + 1] = number
    fused[rows.start + rows_joined.start : rows.start + rows_joined.stop, across.stop : across.stop + joint] = number
    return fused
