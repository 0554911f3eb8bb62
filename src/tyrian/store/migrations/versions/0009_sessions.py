"""The 24 hours after a person's last message."""

from tyrian.store.migrations import run_script

revision = "0009_sessions"
down_revision = "0008_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add sessions."""
    run_script("0009_sessions.sql")
