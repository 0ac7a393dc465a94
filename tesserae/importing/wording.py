"""Numbers of things in the sentences of notes."""


def counted(number: int, one: str, many: str) -> str:
    """Return the number with its noun: "1 tessera", "1,204 tesserae"."""
    return f"{number:,} {one if number == 1 else many}"


def count_of_tesserae(number: int) -> str:
    """Return "1 tessera", "2 tesserae"."""
    return counted(number, "tessera", "tesserae")
