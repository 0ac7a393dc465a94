"""Photos, segmentations, checkpoints and jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_UNFINISHED = sa.text("state IN ('queued', 'running')")


def upgrade() -> None:
    """Create the tables."""
    _create_photos()
    _create_jobs()
    _create_checkpoints()
    _create_segmentations()


def _create_photos() -> None:
    op.create_table(
        "photos",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("bit_depth", sa.Integer, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("orientation", sa.Integer, nullable=False),
        sa.Column("profile", sa.Text),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("inventory_number", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("remarks", sa.Text, nullable=False),
        sa.Column("credit", sa.Text, nullable=False),
        sa.Column("mm_per_px", sa.Double),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_photos"),
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("result", sa.JSON),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_state")),
    )
    op.create_index("uq_jobs_unfinished_key", "jobs", ["key"], unique=True, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED)
    op.create_index("ix_jobs_state_created_at", "jobs", ["state", "created_at"])


def _create_checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_checkpoints"),
    )


def _create_segmentations() -> None:
    op.create_table(
        "segmentations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("photo_id", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sa.Column("checkpoint_sha256", sa.Text, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("options_key", sa.Text, nullable=False),
        sa.Column("decode", sa.Text, nullable=False),
        sa.Column("decode_agreement", sa.Double),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("dtype", sa.Text, nullable=False),
        sa.Column("program_version", sa.Text, nullable=False),
        sa.Column("median_side_px", sa.Double),
        sa.Column("stages_s", sa.JSON, nullable=False),
        sa.Column("elapsed_s", sa.Double, nullable=False),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("scores", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_segmentations"),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.id"], name="fk_segmentations_photo_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_segmentations_job_id", ondelete="SET NULL"),
        sa.UniqueConstraint("photo_id", "checkpoint_sha256", "options_key", "revision", name="uq_segmentations_revision"),
        sa.UniqueConstraint("job_id", "photo_id", "checkpoint_sha256", "options_key", name="uq_segmentations_job"),
    )
