"""Files that the gateway hosts, and what was made from them."""

from tyrian.store.migrations import run_script

revision = "0006_media"
down_revision = "0005_links"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    run_script("0006_media.sql")
