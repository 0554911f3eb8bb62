"""Conversations, agents and queues."""

from tyrian.store.migrations import run_script

revision = "0012_inbox"
down_revision = "0011_flows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the inbox."""
    run_script("0012_inbox.sql")
