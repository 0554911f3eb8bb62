"""What people send that somebody here reacts to."""

from tyrian.store.migrations import run_script

revision = "0007_turns"
down_revision = "0006_media"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of turns."""
    run_script("0007_turns.sql")
