"""Files that are looked at, or made to fit, before a message is sent."""

from tyrian.store.migrations import run_script

revision = "0016_media_policy"
down_revision = "0015_erasure"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what channels do about files."""
    run_script("0016_media_policy.sql")
