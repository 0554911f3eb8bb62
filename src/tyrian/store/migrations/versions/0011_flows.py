"""Decision trees and the people within them."""

from tyrian.store.migrations import run_script

revision = "0011_flows"
down_revision = "0010_codes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add flows."""
    run_script("0011_flows.sql")
