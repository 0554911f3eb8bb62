"""Log lines: readable for people, or one JSON object each for programs. Secrets never come here."""

import logging
import sys
from datetime import UTC, datetime

import msgspec

from tyrian.settings import Settings


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def set_up(settings: Settings) -> None:
    """Sends log lines to standard error in the chosen form."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(_Json() if settings.log_format == "json" else plain)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in ("uvicorn.error", "uvicorn.access", "asyncio", "alembic.runtime.plugins"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
