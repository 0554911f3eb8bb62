"""Channel groups."""

from tyrian.store.migrations import run_script

revision = "0003_routing"
down_revision = "0002_dialects"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    run_script("0003_routing.sql")
