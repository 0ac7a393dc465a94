"""Drafts with their corrections and editors, and annotations."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    _create_drafts()
    _create_corrections()
    _create_editors()
    _create_annotations()


def _create_drafts() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("photo_id", sa.Text, nullable=False),
        sa.Column("base_file", sa.Text, nullable=False),
        sa.Column("segmentation_id", sa.Text),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("origin_notes", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.id"], name="fk_drafts_photo_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["segmentation_id"], ["segmentations.id"], name="fk_drafts_segmentation_id", ondelete="SET NULL"),
        sa.UniqueConstraint("segmentation_id", name="uq_drafts_segmentation"),
        sa.CheckConstraint("origin IN ('segmentation', 'import', 'empty')", name=op.f("ck_drafts_origin")),
    )
    op.create_index("ix_drafts_photo_id", "drafts", ["photo_id"])


def _create_corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("draft_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("entry", sa.JSON, nullable=False),
        sa.Column("box_xyxy", sa.JSON),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "number", name="pk_corrections"),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_corrections_draft_id", ondelete="CASCADE"),
    )


def _create_editors() -> None:
    op.create_table(
        "editors",
        sa.Column("draft_id", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "session", name="pk_editors"),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_editors_draft_id", ondelete="CASCADE"),
    )


def _create_annotations() -> None:
    op.create_table(
        "annotations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("photo_id", sa.Text, nullable=False),
        sa.Column("draft_id", sa.Text),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("ignored_file", sa.Text),
        sa.Column("region_xy", sa.JSON),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.id"], name="fk_annotations_photo_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_annotations_draft_id", ondelete="SET NULL"),
        sa.UniqueConstraint("photo_id", "revision", name="uq_annotations_revision"),
        sa.UniqueConstraint("draft_id", "number", name="uq_annotations_number"),
    )
