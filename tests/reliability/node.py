"""A gateway as its own operating-system process, which a test may kill and start again."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import aiohttp

from tyrian.app import open_gateway
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.clock import WallClock
from tyrian.settings import Settings
from tyrian.store import accounts

KEY = "tyrian-test-key"
SECRET = "callback-secret-of-the-test"


async def furnish(
    url: str, settings: Settings, provider_url: str, spec: ChannelSpec | None = None, **channel: object
) -> int:
    """Makes an account, a key and a channel in a migrated database; returns the channel's number.

    The channel is one of Viber Business unless another is given.
    """
    gateway = await open_gateway(url, replace(settings, database_url=url), WallClock())
    account = await accounts.create(gateway.db, "test", gateway.clock.now())
    await gateway.channels.start(connect=False)
    await gateway.keys.create(account.id, name="test", secret=KEY)
    spec = spec or ChannelSpec(
        name="viber",
        kind="viber_business",
        config={"service_id": 1, "base_url": provider_url, "timeout": 5.0},
        secrets={"callback_secret": SECRET},
        **channel,  # type: ignore[arg-type]
    )
    entry = await gateway.channels.create(account.id, spec)
    await gateway.stop()
    return entry.channel.id


class Node:
    """One `tyrian serve` process. `url` is None for the embedded database in the data folder."""

    def __init__(self, data_dir: Path, port: int, *, url: str | None = None, role: str = "all") -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self._environment = {
            **os.environ,
            "TYRIAN_DATA_DIR": str(data_dir),
            "TYRIAN_PORT": str(port),
            "TYRIAN_ROLE": role,
            "TYRIAN_ALLOW_PRIVATE_CALLBACKS": "127.0.0.0/8",
            "TYRIAN_LOG_LEVEL": "warning",
            **({"TYRIAN_DATABASE_URL": url} if url else {}),
        }
        self._log = (data_dir / f"node-{port}.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tyrian", "serve"]
        self.process = subprocess.Popen(command, env=self._environment, stdout=self._log, stderr=self._log)

    async def ready(self, seconds: float = 60) -> None:
        """Waits until the node says that it is ready."""
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError, OSError):
                    async with session.get(f"{self.base}/readyz") as answer:
                        if answer.status == 200:
                            return
                assert self.process is not None
                assert self.process.poll() is None, f"the node ended with {self.process.returncode}"
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    async def stop(self) -> int:
        """A polite end; returns the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = await asyncio.to_thread(self.process.wait, 40)
        finally:
            self._log.close()
        return code


def kill_postmaster(data_dir: Path) -> None:
    """kill -9 to the embedded PostgreSQL's postmaster, if it runs."""
    with suppress(OSError, ValueError, IndexError):
        lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), signal.SIGKILL)
