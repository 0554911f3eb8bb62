"""Brings a database to the schema of this release: all missing steps in one transaction, or none of them.

The steps are SQL scripts under `migrations/`, each with an Alembic version file of the same name. To add one, write
`migrations/0002_name.sql` and `migrations/versions/0002_name.py`; the numbers give the order.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FOLDER: Final = Path(__file__).parent / "migrations"
#: One migration at a time on a database; the number has no meaning but to be ours ("tyri" in ASCII).
_LOCK: Final = 0x74797269


def revisions() -> list[str]:
    """All revisions of this release, oldest first."""
    return sorted(file.stem for file in (_FOLDER / "versions").glob("[0-9]*.py"))


#: The revision this release works with.
HEAD: Final = revisions()[-1]


class UnknownRevisionError(Exception):
    """The database was migrated by another release, whose last step this one does not know."""


async def pending(url: str) -> list[str]:
    """The revisions that the database at `url` lacks, oldest first; costs one connection and one query.

    Raises `UnknownRevisionError` when the database is ahead of this release, and asyncpg's errors when it cannot be
    asked.
    """
    connection = await asyncpg.connect(url)
    try:
        current = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        current = None
    finally:
        await connection.close()
    return _after(current)


async def migrate(url: str) -> list[str]:
    """Apply what the database at `url` lacks and return it. Several nodes may call this at once: one does the work.

    Raises as `pending` does, and what the database says to a step that fails; then nothing of it stays.
    """
    if not await pending(url):
        return []
    # Only now: Alembic and SQLAlchemy take longer to import than everything else takes to start.
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: "Connection") -> list[str]:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext

    missing = _after(MigrationContext.configure(connection).get_current_revision())
    if missing:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
        command.upgrade(config, "head")
    return missing


def _after(current: str | None) -> list[str]:
    known = revisions()
    if current is None:
        return known
    if current not in known:
        raise UnknownRevisionError(
            f"The database is at revision {current}, and this release of Tyrian knows none after {known[-1]}. "
            f"Run the release that migrated it, or a newer one."
        )
    return known[known.index(current) + 1 :]
