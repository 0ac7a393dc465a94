"""What was decided about the places that a draft's review queue showed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "decisions",
        sa.Column("draft_id", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "place", name="pk_decisions"),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_decisions_draft_id", ondelete="CASCADE"),
        sa.CheckConstraint("decision IN ('right', 'fixed', 'later')", name=op.f("ck_decisions_decision")),
    )
