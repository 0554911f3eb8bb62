"""People who are suppressed as such, and contacts that were erased."""

from tyrian.store.migrations import run_script

revision = "0015_erasure"
down_revision = "0014_blocks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    run_script("0015_erasure.sql")
