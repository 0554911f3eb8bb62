"""A process that starts the embedded PostgreSQL, connects to it and answers HTTP, and is nothing else.

The limit of the scenario `startup`: `python -m bench.idle DATA_DIR PORT`.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
import uvloop

from tyrian.store import embedded


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _main(data: Path, port: int) -> None:
    server = await asyncio.to_thread(embedded.start, data)
    connection = await asyncpg.connect(server.url)
    config = uvicorn.Config(_answer, port=port, http="httptools", lifespan="off", log_level="critical")
    await uvicorn.Server(config).serve()
    await connection.close()


if __name__ == "__main__":
    uvloop.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
