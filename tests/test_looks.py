"""The theme: readable in light and dark, and its fonts come with the program."""

import tomllib

import pytest
from conftest import PROJECT_DIR

from tesserae.ui.looks import LABEL_ON_ACCENT

CONFIG = tomllib.loads((PROJECT_DIR / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
THEME = CONFIG["theme"]
READABLE = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA
VISIBLE = 3.0  # 1.4.11, for parts of the page that are no text


def luminance(colour):
    """Relative luminance of #RRGGBB, as WCAG 2.2 defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first, second):
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
@pytest.mark.parametrize("colour", ["textColor", "linkColor", "primaryColor"])
def test_text_is_readable_on_every_ground_also_in_the_accent(mode, ground, colour):
    assert contrast(THEME[mode][colour], THEME[mode][ground]) >= READABLE


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_accent_carries_the_labels_of_buttons_and_white_ticks(mode):
    assert contrast(THEME[mode]["primaryColor"], LABEL_ON_ACCENT[mode]) >= READABLE
    assert contrast(THEME[mode]["primaryColor"], "#FFFFFF") >= VISIBLE


def test_fonts_come_with_the_program_and_with_their_licence():
    faces = THEME["fontFaces"]
    assert {face["family"] for face in faces} == {"'Source Sans 3'", "'Source Serif 4'"}
    assert CONFIG["server"]["enableStaticServing"]
    used = {PROJECT_DIR / face["url"].removeprefix("app/") for face in faces}
    folder = PROJECT_DIR / "static" / "fonts"
    assert used == set(folder.glob("*.woff2"))
    assert sum(path.stat().st_size for path in used) < 1_000_000
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL.txt").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere():
    assert "://" not in (PROJECT_DIR / ".streamlit" / "config.toml").read_text(encoding="utf-8")
