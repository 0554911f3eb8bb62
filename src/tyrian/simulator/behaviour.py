"""What a handset's network does with a message: the answer to the send, and the receipts that follow.

The last two digits of a number choose a row of `TABLE`, as test card numbers do. A test may script any number with a
`Behaviour` of its own instead.
"""

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace


class Network(StrEnum):
    """The networks a handset hears. Bots and business messages are both of Viber and behave alike."""

    VIBER = "viber"
    SMS = "sms"


class Answer(StrEnum):
    """How the provider answers a send."""

    #: Takes the message and says so.
    ACCEPT = "accept"
    #: Refuses: the person is not on this network.
    NOT_A_USER = "not_a_user"
    #: Refuses: the person has blocked the sender.
    BLOCKED = "blocked"
    #: Refuses with the network's own number in `Behaviour.status`.
    REFUSE = "refuse"
    #: Does not take it: too many messages.
    THROTTLE = "throttle"
    #: Does not take it: HTTP 500, or a system error over SMPP.
    ERROR = "error"
    #: Takes the message and never answers.
    SILENCE = "silence"
    #: Takes the message and closes the connection before its answer is whole.
    CUT = "cut"
    #: Takes the message and answers with bytes that mean nothing.
    GARBAGE = "garbage"


#: Answers after which the network has the message, whatever the sender knows of it.
TAKEN: Final = frozenset({Answer.ACCEPT, Answer.SILENCE, Answer.CUT, Answer.GARBAGE})


class Kind(StrEnum):
    """What a receipt says."""

    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"
    EXPIRED = "expired"
    #: SMS only: the SMSC, or the network behind it, turned the message down after accepting it.
    REJECTED = "rejected"
    #: SMS only: an operator removed the message.
    DELETED = "deleted"


class Step(Struct, frozen=True, omit_defaults=True):
    """One receipt, `after` so many seconds from the send.

    `late` puts it after the sender's patience instead: see `WorldSettings.late_after`.
    """

    kind: Kind
    after: float = 0.0
    late: bool = False


class Behaviour(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one network does with messages for one handset."""

    answer: Answer = Answer.ACCEPT
    #: The answers to the first sends, before `answer`; begins anew after each send that got `answer`.
    first: tuple[Answer, ...] = ()
    receipts: tuple[Step, ...] = ()
    #: The status number for `Answer.REFUSE`, in the network's own numbering.
    status: int | None = None
    #: The network reports `expired` when the message's time to live has passed.
    expires: bool = False
    #: The handset answers every message with its text, after the word `echo:`.
    echoes: bool = False
    #: Seconds before the send is answered.
    delay: float = 0.0


#: Seconds from a send until the handset has the message, and from then until the person has read it.
DELIVERED_AFTER: Final = 0.2
SEEN_AFTER: Final = 1.0

_DELIVERED: Final = Step(Kind.DELIVERED, DELIVERED_AFTER)
_SEEN: Final = Step(Kind.SEEN, DELIVERED_AFTER + SEEN_AFTER)
_READ: Final = Behaviour(receipts=(_DELIVERED, _SEEN))
_SMS: Final = Behaviour(receipts=(_DELIVERED,))


class Row(Struct, frozen=True):
    """One line of the table of test numbers."""

    meaning: str
    viber: Behaviour
    sms: Behaviour

    def on(self, network: Network) -> Behaviour:
        """The behaviour on one network."""
        return self.viber if network is Network.VIBER else self.sms


_TWICE: Final = (Answer.ERROR, Answer.ERROR)

#: The last two digits of a number -> what happens. Any other number is as 01.
TABLE: Final[dict[str, Row]] = {
    "01": Row("Viber delivered, seen a second later; SMS delivered", _READ, _SMS),
    "02": Row("Viber delivered, never seen; SMS delivered", _SMS, _SMS),
    "03": Row(
        "The provider takes the send and never answers",
        Behaviour(answer=Answer.SILENCE),
        Behaviour(answer=Answer.SILENCE),
    ),
    "04": Row("Not a Viber user, refused at once; SMS delivered", Behaviour(answer=Answer.NOT_A_USER), _SMS),
    "05": Row("Has blocked the Viber sender; SMS delivered", Behaviour(answer=Answer.BLOCKED), _SMS),
    "06": Row(
        "Viber seen without delivered; SMS delivered",
        Behaviour(receipts=(_SEEN,)),
        _SMS,
    ),
    "07": Row(
        "Viber delivered late, 30 s after the fallback time has passed; SMS delivered",
        Behaviour(receipts=(Step(Kind.DELIVERED, late=True),)),
        _SMS,
    ),
    "08": Row(
        "The provider answers with an error twice, then accepts",
        replace(_READ, first=_TWICE),
        replace(_SMS, first=_TWICE),
    ),
    "09": Row("Phone off: Viber never delivers; SMS delivered", Behaviour(expires=True), _SMS),
    "10": Row(
        "Neither Viber nor SMS delivers",
        Behaviour(expires=True),
        Behaviour(receipts=(Step(Kind.FAILED, DELIVERED_AFTER),)),
    ),
    "11": Row(
        "Replies to every message with the text `echo: ...`",
        replace(_READ, echoes=True),
        replace(_SMS, echoes=True),
    ),
}

DEFAULT: Final = "01"
_LAST_TWO: Final = re.compile(r"([0-9]{2})=*$")


def row_of(address: str) -> Row:
    """The row that a number or user id chooses by its last two digits (the `=` that ends a Viber user id aside)."""
    row = TABLE.get(address[-2:])
    if row is not None:
        return row
    found = _LAST_TWO.search(address)
    return TABLE.get(found[1] if found else DEFAULT, TABLE[DEFAULT])
