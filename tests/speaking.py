"""People who write to a channel, so that their session is open."""

from itertools import count

from tyrian.domain.content import Text
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Inbound

_numbers = count(1)


async def says(gateway: Gateway, account_id: int, channel: str, person: str, words: str = "hello") -> None:
    """A person writes, and it is stored."""
    entry = gateway.channels.get(account_id, channel)
    assert entry is not None
    message = Inbound(person, channel, Text(text=words), f"said-{next(_numbers)}")
    await gateway.inbound.submit(entry.channel, [message])
