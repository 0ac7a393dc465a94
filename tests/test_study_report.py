"""The report of a study: means with ranges, changes mosaic by mosaic, the paper's figures beside ours, and how it was done."""

import math
from dataclasses import replace

import pytest
from study_examples import TRAINING, finding

from tesserae.study.catalogue import STUDIES, plan_variants
from tesserae.study.document import Figure, Table, format_markdown
from tesserae.study.report import Studied, describe_study


def studied(name, mosaics=None, **changes):
    study = STUDIES[name]
    variants = plan_variants(study, mosaics, None)
    findings = tuple(
        finding(each.name, 0.9 - 0.05 * number, TRAINING if each.recipe else None, **changes) for number, each in enumerate(variants)
    )
    return Studied(study, variants, findings, ("Noise.",), {"Base": "mini", "torch": "2"})


def figures(blocks):
    return [block.name for block in blocks if isinstance(block, Figure)]


def test_means_with_ranges_and_changes_of_pairs():
    text = format_markdown("t", describe_study(studied("postprocessing")))
    reach = 12.706205 * 10 / 2  # t of one degree of freedom; two mosaics ten points apart
    assert f"| as found | 85.0 [{85 - reach:.1f}, {85 + reach:.1f}] |" in text
    assert "| cleaned up | -5.0 [-5.0, -5.0] | +0.0 [+0.0, +0.0] |" in text
    assert "| wall | as found | 100 | 90 | 90.0 | 80.0 | 70.0 | 85.0 | 95.0 | 88.0 | 90.0 | -10.0 | 10.0 |" in text
    assert "Student's t" in text
    assert "Base mini, torch 2." in text
    assert "Training" not in text


def test_a_learning_curve_is_drawn_over_the_mosaics():
    blocks = describe_study(studied("domain", 4))
    assert figures(blocks)[-3:] == ["learning_f1_50", "learning_abs_count_error", "epochs"]
    text = format_markdown("t", blocks)
    assert "| default, 1 | 1 | 80 | 1 of 2 | 11 | 900 |" in text
    assert "paper, 4: Trained on 1 mosaic. Cut in two." in text


def test_ablations_have_no_learning_curve_but_calibration_where_asked_for():
    assert "calibration" in figures(describe_study(studied("loss", 4)))
    assert not [name for name in figures(describe_study(studied("augmentation", 4))) if name.startswith(("learning", "calibration"))]


def test_the_papers_figures_stand_beside_ours():
    text = format_markdown("t", describe_study(studied("paper", calibrated=False)))
    assert "| pixel IoU | 89.00 | 91.02 | 85.00 | 85.00 |" in text
    assert "| pixel recall | 92.12 | 95.89 | 88.00 | 88.00 |" in text


def test_missing_figures_are_dashes():
    one = studied("baseline", calibrated=False)
    lone = finding("as it is", math.nan, calibrated=False)
    blocks = describe_study(Studied(one.study, one.variants, (lone,), one.notes, one.facts))
    table = next(block for block in blocks if isinstance(block, Table))
    assert table.rows[0][1] == "–"
    assert len(table.head) == len(table.rows[0])


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_can_be_told_from_its_first_variant_on(name):
    whole = studied(name, STUDIES[name].mosaics or None)
    for done in range(1, len(whole.variants) + 1):
        text = format_markdown(name, describe_study(replace(whole, findings=whole.findings[:done])))
        assert (f"{done} of {len(whole.variants)} variants are done" in text) == (done < len(whole.variants))
