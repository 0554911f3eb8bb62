"""Buttons with memory: short codes and what they stand for."""

from tyrian.store.migrations import run_script

revision = "0010_codes"
down_revision = "0009_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the codes of buttons."""
    run_script("0010_codes.sql")
