"""The spine: accounts, channels, messages with their attempts and history, and everything that is due."""

from tyrian.store.migrations import run_script

revision = "0001_spine"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first schema."""
    run_script("0001_spine.sql")
