"""Members of the dataset: which side of the split each photo is on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "members",
        sa.Column("photo_id", sa.Text, nullable=False),
        sa.Column("split", sa.Text, nullable=False),
        sa.Column("chosen_by", sa.Text),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looks", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("photo_id", name="pk_members"),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.id"], name="fk_members_photo_id", ondelete="CASCADE"),
        sa.CheckConstraint("split IN ('train', 'validation', 'test')", name=op.f("ck_members_split")),
    )
