"""People with several addresses, their consent, and what is kept from them."""

from tyrian.store.migrations import run_script

revision = "0008_people"
down_revision = "0007_turns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add people, consent and suppressions."""
    run_script("0008_people.sql")
