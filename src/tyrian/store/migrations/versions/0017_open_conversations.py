"""Conversations that are not closed are listed and counted without those that are."""

from tyrian.store.migrations import run_script

revision = "0017_open_conversations"
down_revision = "0016_media_policy"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    run_script("0017_open_conversations.sql")
