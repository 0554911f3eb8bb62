"""Message tokens: unique, growing, and larger than 2^53 as Viber's are."""

from secrets import randbits
from typing import Final

from tyrian.simulator.agenda import Agenda
from tyrian.simulator.quirks import Quirks

#: Bits below the milliseconds. They are drawn once, so that tokens of one run are not those of the next.
_LOW_BITS: Final = 21


class Tokens:
    """Deals out tokens."""

    def __init__(self, agenda: Agenda, quirks: Quirks) -> None:
        self._agenda = agenda
        self.quirks = quirks
        self._last = 0
        self._salt = randbits(_LOW_BITS)
        self._last_small = randbits(50)

    def next(self) -> int:
        """A token that was never dealt before."""
        if self.quirks.small_tokens:
            self._last_small += 1
            return self._last_small
        now = (int(self._agenda.now() * 1000) << _LOW_BITS) | self._salt
        self._last = max(self._last + 1, now)
        return self._last
