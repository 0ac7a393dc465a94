"""What the jobs do: a table from the kind of a job to the function that does it. Brings torch: for the engine's child."""

from collections.abc import Callable

import tesserae
from tesserae.dataset import collect_dataset
from tesserae.download import sha256_of_file
from tesserae.errors import StoreError
from tesserae.jobs.orders import FINETUNE, SEGMENT, revision_options
from tesserae.options import RunOptions
from tesserae.photo import read_photo
from tesserae.service import Run, find_installed, run_photo
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.checkpoints import note_checkpoint
from tesserae.store.jobs import Job, list_jobs
from tesserae.store.photos import get_photo, photo_path
from tesserae.store.segmentations import Provenance, Scores, SegmentationRecord, add_segmentation, latest_segmentation
from tesserae.tilecache import PhotoMemory, open_cache
from tesserae.training.order import Order

Report = Callable[[float, str], None]
Result = dict[str, object]


def do_job(store: Store, settings: Settings, job: Job, report: Report) -> Result:
    """Do a job's work and return its result, JSON types; raises TesseraeError with a sentence for the user."""
    work = _WORK.get(job.kind)
    if work is None:
        known = ", ".join(_WORK)
        raise StoreError(f"Expected a job of a known kind ({known}), found {job.kind}. Update this program on the worker's machine.")
    return work(store, settings, job, report)


def _segment(store: Store, settings: Settings, job: Job, report: Report) -> Result:
    """Segment a photo with each checkpoint; what this version of the program ran with the same file and options is not run again."""
    record = get_photo(store, str(job.arguments["photo_id"]))
    photo = read_photo(photo_path(store, record), name=record.name, max_pixels=settings.max_pixels)
    memory = PhotoMemory(open_cache(settings), record.id)
    wanted = job.arguments["runs"]
    assert isinstance(wanted, list)
    done: list[SegmentationRecord] = []
    for number, words in enumerate(wanted):
        options = RunOptions.from_dict(words)
        checkpoint = find_installed(options.checkpoint, settings)
        sha256 = sha256_of_file(checkpoint.path)
        found = latest_segmentation(store, record.id, sha256, revision_options(options))
        if found is None or found.program_version != tesserae.__version__:

            def tell(share: float, stage: str, number: int = number, name: str = checkpoint.name) -> None:
                report((number + share) / len(wanted), f"{name}: {stage}")

            run = run_photo(photo, options, settings, progress=tell, memory=memory)
            # the checkpoint first: a run that is stored is not run again, and then nobody would note it
            note_checkpoint(store, checkpoint.name, sha256, checkpoint.config, checkpoint.record)
            found = _keep(store, record.id, run, sha256, job.id)
        done.append(found)
    return {"segmentations": [each.id for each in done], "counts": [each.count for each in done]}


def _keep(store: Store, photo_id: str, run: Run, sha256: str, job_id: str) -> SegmentationRecord:
    made = run.segmentation
    provenance = Provenance(
        checkpoint=made.checkpoint,
        checkpoint_sha256=sha256,
        options=revision_options(run.options),
        decode=made.decode,
        decode_agreement=made.decode_agreement,
        device=made.device,
        dtype=made.dtype,
        median_side_px=made.median_side_px,
        stages_s=made.stages_s,
        elapsed_s=run.elapsed_s,
        warnings=made.warnings,
        job_id=job_id,
    )
    return add_segmentation(store, photo_id, made.labels, Scores(made.predicted_iou, made.stability), provenance)


def _finetune(store: Store, settings: Settings, job: Job, report: Report) -> Result:
    """Fine-tune on everything that is approved; steps aside after an epoch for whoever waits, since hours may pass."""
    from tesserae.training.run import finetune  # brings Lightning Fabric: seconds that a count does without

    order = Order.from_dict(job.arguments)
    outcome = finetune(order, collect_dataset(store, settings), settings, report, lambda: _others_wait(store))
    assert outcome is not None  # a job runs on one device
    checkpoint = outcome.checkpoint
    note_checkpoint(store, checkpoint.name, str(checkpoint.sha256), checkpoint.config, checkpoint.record)
    return {"checkpoint": checkpoint.name, "promoted": outcome.findings.verdict.promoted, "sentence": outcome.findings.sentence}


def _others_wait(store: Store) -> bool:
    return any(job.kind != FINETUNE for job in list_jobs(store, states=["queued"]))


_WORK: dict[str, Callable[[Store, Settings, Job, Report], Result]] = {SEGMENT: _segment, FINETUNE: _finetune}
