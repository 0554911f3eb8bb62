"""Sends that wait behind an earlier one to the same person are kept out of the index of what is ready."""

from tyrian.store.migrations import run_script

revision = "0004_lines"
down_revision = "0003_routing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the flag, its index, and the triggers that clear it."""
    run_script("0004_lines.sql")
