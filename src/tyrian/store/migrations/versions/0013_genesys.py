"""What Genesys Cloud's dialect keeps."""

from tyrian.store.migrations import run_script

revision = "0013_genesys"
down_revision = "0012_inbox"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add its tables."""
    run_script("0013_genesys.sql")
