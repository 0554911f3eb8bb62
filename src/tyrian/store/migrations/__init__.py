"""The history of the schema: one numbered SQL script and one Alembic version file for each step."""

from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent


def run_script(name: str) -> None:
    """Run one SQL script of this folder, of any number of statements, in the transaction of the migration under way.

    The script goes to the driver as it stands: SQLAlchemy would prepare it, and only single statements can be prepared.
    """
    from alembic import op

    script = (FOLDER / name).read_text(encoding="utf-8")
    adapted: Any = op.get_bind().connection.dbapi_connection
    adapted.run_async(lambda driver: driver.execute(script))
