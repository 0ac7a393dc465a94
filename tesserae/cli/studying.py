"""`study`: the experiments of the paper, on synthetic mosaics or on a folder of photos with masks."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tesserae.checkpoints import EMBEDDED_NAME
from tesserae.cli.arguments import Device
from tesserae.cli.terminal import progress_line
from tesserae.settings import Settings
from tesserae.study.catalogue import STUDIES, Study, find_study

if TYPE_CHECKING:
    from tesserae.study.material import Material

_SPLIT_SEED = 22


def study(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"One of {', '.join(STUDIES)}.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Folder with images/ and masks/, or mosaics-images to fetch the paper's; default: synthetic ones."
        ),
    ] = None,
    base: Annotated[str, typer.Option("--base", metavar="NAME", help="The model that is judged, and begun with.")] = EMBEDDED_NAME,
    mosaics: Annotated[int | None, typer.Option(min=1, help="Mosaics to learn from at most; default: the study's.")] = None,
    unseen: Annotated[int, typer.Option(min=1, help="Synthetic mosaics to be judged on.")] = 8,
    size: Annotated[int, typer.Option(min=128, help="Side of the synthetic mosaics in pixels.")] = 512,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes of each fine-tune at most; default: the recipe's.")] = None,
    device: Device = "auto",
) -> None:
    """Run an experiment and write its report; run again after a break, it goes on where it was."""
    from tesserae.study.catalogue import plan_variants
    from tesserae.study.document import format_markdown, write_document
    from tesserae.study.facts import gather_facts
    from tesserae.study.report import Studied, describe_study, summarise
    from tesserae.study.running import open_workshop, run_variant

    settings, chosen = Settings(), find_study(name)
    folder = settings.home.absolute() / "study" / chosen.name
    workshop = open_workshop(folder, base, device, settings)
    with progress_line("mosaics") as show:
        material = _bring_material(chosen, data, mosaics, unseen, size, settings, lambda share: show(share, "preparing"))
    most = mosaics or (chosen.mosaics if data is None else len(material.groups) or None)
    variants = plan_variants(chosen, most, epochs)
    facts = gather_facts(workshop.base, workshop.base_sha256, device)
    findings = []
    for variant in variants:
        with progress_line(variant.name) as show:
            findings.append(run_variant(workshop, variant, material, show))
        studied = Studied(chosen, variants, tuple(findings), material.notes, facts)
        written = write_document(folder, "report", f"Study: {chosen.name}", describe_study(studied))
        typer.echo(f"{variant.name}: done")
    typer.echo(format_markdown(chosen.question, [summarise(findings)]).removeprefix("# "))
    typer.echo(f"The report: {' and '.join(str(path) for path in written)}")


def _bring_material(
    chosen: Study, data: Path | None, mosaics: int | None, unseen: int, size: int, settings: Settings, report: Callable[[float], None]
) -> "Material":
    from tesserae.study.hub import AUTHORS_DATA, AUTHORS_REPOSITORY, fetch_dataset
    from tesserae.study.material import read_material, render_material

    store = settings.home.absolute() / "study"
    if data is None:
        learned = (mosaics or chosen.mosaics) if chosen.trains else 0
        return render_material(store / "mosaics", learned, unseen, size, chosen.domain, report)
    if str(data) == AUTHORS_DATA and not data.is_dir():
        data = store / AUTHORS_DATA
        fetch_dataset(AUTHORS_REPOSITORY, data, settings.hub_url, report)
    return read_material(data, _SPLIT_SEED, settings.max_pixels, trains=chosen.trains)
