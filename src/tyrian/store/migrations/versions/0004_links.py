"""Tracked links."""

from tyrian.store.migrations import run_script

revision = "0004_links"
down_revision = "0003_routing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and its days to the upkeep of partitions."""
    run_script("0004_links.sql")
