"""What the vendors' dialects need: names given by customers, senders of channels, documents of faces."""

from tyrian.store.migrations import run_script

revision = "0002_dialects"
down_revision = "0001_spine"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    run_script("0002_dialects.sql")
