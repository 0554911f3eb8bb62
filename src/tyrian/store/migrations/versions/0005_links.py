"""Tracked links."""

from tyrian.store.migrations import run_script

revision = "0005_links"
down_revision = "0004_lines"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and its days to the upkeep of partitions."""
    run_script("0005_links.sql")
