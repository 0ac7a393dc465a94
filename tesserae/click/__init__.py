"""One stone from clicks: the checkpoint's mask at a place that a person points at, on the embedding that a run left in the cache.

A page keeps one `ClickSession` for each checkpoint, shared by all its visitors, and with every click hands in all clicks on that stone:

    models = load_models(checkpoint, device)
    session = ClickSession(models)
    side_px = options.tessera_px or find_side_px(image, models, Clock(), memory)  # that of the run, so that the tiles are those of the run
    clicks = Clicks(points_xy=((812.5, 440.0),), point_labels=(1,))
    clicked = session.click(image, clicks, side_px, memory)  # show clicked.mask; on another click, ask again with all of them
    correction = Add(mask=clicked.mask, prompt=clicks.as_dict() | {"checkpoint": models.checkpoint.name})

`Add` takes mortar only: a preview shows the mask without what belongs to other tesserae. `Replace(label, mask=clicked.mask)` redraws one.
Where nothing is seen, `click` raises CorrectionError with a sentence for the person. The photo is read only where the memory lacks
something, and only there: it may be mapped from a file.

clicks: what was pointed at. guess: what clicks alone say of an outline. view: the pixels around them, and their tile. session: the answer.
"""
