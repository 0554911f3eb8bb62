"""Latencies in little room: a histogram whose buckets grow with the value, so that every quantile is within 1.6 %."""

from array import array
from collections.abc import Mapping
from typing import Final

#: Each doubling of the value is cut into this many buckets.
_STEPS: Final = 64
_BITS: Final = _STEPS.bit_length()
#: 2**40 µs are twelve days; what is longer counts as that.
_LARGEST: Final = (1 << 40) - 1


def _bucket(value: int) -> int:
    shift = value.bit_length() - _BITS
    return value if shift <= 0 else shift * _STEPS + (value >> shift)


def _middle(bucket: int) -> float:
    """The value that stands for a bucket: the middle of its range."""
    shift = max(bucket // _STEPS - 1, 0)
    low = bucket - shift * _STEPS
    return (low << shift) + ((1 << shift) - 1) / 2


_BUCKETS: Final = _bucket(_LARGEST) + 1


class Histogram:
    """Counts of whole microseconds."""

    __slots__ = ("_counts", "count", "largest")

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * _BUCKETS))
        self.count = 0
        self.largest = 0

    def record(self, microseconds: int) -> None:
        """Count one value. What is negative counts as zero."""
        value = min(max(microseconds, 0), _LARGEST)
        self._counts[_bucket(value)] += 1
        self.count += 1
        self.largest = max(self.largest, value)

    def quantile(self, q: float) -> float:
        """The value, in microseconds, that a share `q` (0 to 1) of all lies at or below; 0 if there are none."""
        rank, seen = q * self.count, 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= rank:
                return min(_middle(bucket), float(self.largest))
        return 0.0

    def add(self, other: "Histogram") -> None:
        """Count all that another has counted."""
        for bucket, count in enumerate(other._counts):
            self._counts[bucket] += count
        self.count += other.count
        self.largest = max(self.largest, other.largest)

    def dump(self) -> dict[str, int]:
        """The counts by bucket, those of none left out, and the largest value; for `load`."""
        counts = {str(bucket): count for bucket, count in enumerate(self._counts) if count}
        return {"largest": self.largest, **counts}

    @classmethod
    def load(cls, dumped: Mapping[str, int]) -> "Histogram":
        """The histogram that was dumped."""
        made = cls()
        made.largest = dumped["largest"]
        for bucket, count in dumped.items():
            if bucket != "largest":
                made._counts[int(bucket)] = count
                made.count += count
        return made
