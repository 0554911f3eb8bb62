"""Migrations: what is missing is found quickly, applied once, whole or not at all."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tyrian.store import migrate as migrate_module
from tyrian.store.migrate import HEAD, UnknownRevisionError, migrate, pending, revisions

FOLDER = Path(migrate_module.__file__).parent / "migrations"


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_an_empty_database_lacks_everything_and_gets_it(empty_database_url: str) -> None:
    assert await pending(empty_database_url) == revisions()
    assert await migrate(empty_database_url) == revisions()
    assert await pending(empty_database_url) == []
    assert {"accounts", "channels", "messages", "alembic_version"} <= await tables(empty_database_url)


async def test_a_second_migration_finds_nothing_to_do(database_url: str) -> None:
    assert await migrate(database_url) == []


async def test_nodes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))
    assert sorted(applied) == [[], [], [], revisions()]


async def test_a_step_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    await execute(empty_database_url, "CREATE TABLE messages (id integer)")
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(empty_database_url)
    assert await tables(empty_database_url) == {"messages"}
    assert await pending(empty_database_url) == revisions()


@pytest.mark.parametrize("ask", [pending, migrate])
async def test_a_database_of_a_newer_release_is_refused(
    database_url: str, ask: Callable[[str], Awaitable[list[str]]]
) -> None:
    await execute(database_url, "UPDATE alembic_version SET version_num = '9999_later'")
    with pytest.raises(UnknownRevisionError, match="9999_later"):
        await ask(database_url)


def test_asking_a_current_database_does_not_load_alembic(database_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from tyrian.store.migrate import migrate, pending\n"
        "assert asyncio.run(pending(sys.argv[1])) == asyncio.run(migrate(sys.argv[1])) == []\n"
        "assert not {'alembic', 'sqlalchemy'} & set(sys.modules), 'loaded'\n"
    )
    subprocess.run([sys.executable, "-c", program, database_url], check=True)


def test_the_numbers_of_the_files_are_the_order_of_the_steps() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    chain = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert list(reversed(chain)) == revisions()
    assert revisions()[-1] == HEAD


@pytest.mark.parametrize("revision", revisions())
def test_every_step_is_a_script_in_plain_sql(revision: str) -> None:
    assert (FOLDER / f"{revision}.sql").is_file()
    assert f'run_script("{revision}.sql")' in (FOLDER / "versions" / f"{revision}.py").read_text()
