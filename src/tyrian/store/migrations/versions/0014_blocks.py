"""Who has blocked a sender, as networks answered."""

from tyrian.store.migrations import run_script

revision = "0014_blocks"
down_revision = "0013_genesys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    run_script("0014_blocks.sql")
