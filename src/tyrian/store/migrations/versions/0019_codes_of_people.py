"""The codes that a person was shown are found by an index."""

from tyrian.store.migrations import run_script

revision = "0019_codes_of_people"
down_revision = "0018_keeping"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    run_script("0019_codes_of_people.sql")
