"""What is past its time, or of somebody who is erased, is found by indexes."""

from tyrian.store.migrations import run_script

revision = "0018_keeping"
down_revision = "0017_open_conversations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    run_script("0018_keeping.sql")
