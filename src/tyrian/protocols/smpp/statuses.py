"""What the numbers in `command_status` mean for a message.

The numbers and names are those of the SMPP 3.4 specification, 5.1.3 (table 5-2). It does not say which errors pass by
themselves; those that tell of a state of the message centre, and not of the message, are tried again.
"""

from typing import Final, Literal, NamedTuple

OK: Final = 0x00
RINVMSGLEN: Final = 0x01
RINVCMDLEN: Final = 0x02
RINVCMDID: Final = 0x03
RINVBNDSTS: Final = 0x04
RALYBND: Final = 0x05
RSYSERR: Final = 0x08
RINVSRCADR: Final = 0x0A
RINVDSTADR: Final = 0x0B
RBINDFAIL: Final = 0x0D
RINVPASWD: Final = 0x0E
RINVSYSID: Final = 0x0F
RMSGQFUL: Final = 0x14
RTHROTTLED: Final = 0x58
RX_T_APPN: Final = 0x64

#: Seconds to wait where the number itself asks for patience. SMPP has no way to say how long.
THROTTLED_PAUSE: Final = 1.0
QUEUE_FULL_PAUSE: Final = 5.0
SYSTEM_ERROR_PAUSE: Final = 2.0
#: A refused bind waits for an operator; messages look again this often.
BAD_BIND_PAUSE: Final = 30.0


class Meaning(NamedTuple):
    """One status: its name, what becomes of the message, the reason word, and seconds to wait before a retry."""

    name: str
    outcome: Literal["sent", "retry", "refused"]
    reason: str = ""
    after: float | None = None


def _refused(name: str, reason: str = "provider_error") -> Meaning:
    return Meaning(name, "refused", reason)


STATUSES: Final[dict[int, Meaning]] = {
    OK: Meaning("ESME_ROK", "sent"),
    RINVMSGLEN: _refused("ESME_RINVMSGLEN", "content_refused"),
    RINVCMDLEN: _refused("ESME_RINVCMDLEN"),
    RINVCMDID: _refused("ESME_RINVCMDID"),
    RINVBNDSTS: Meaning("ESME_RINVBNDSTS", "retry", "provider_error", SYSTEM_ERROR_PAUSE),
    RALYBND: Meaning("ESME_RALYBND", "retry", "provider_error", SYSTEM_ERROR_PAUSE),
    0x06: _refused("ESME_RINVPRTFLG"),
    0x07: _refused("ESME_RINVREGDLVFLG"),
    RSYSERR: Meaning("ESME_RSYSERR", "retry", "provider_error", SYSTEM_ERROR_PAUSE),
    RINVSRCADR: _refused("ESME_RINVSRCADR", "sender_not_found"),
    RINVDSTADR: _refused("ESME_RINVDSTADR", "invalid_recipient"),
    0x0C: _refused("ESME_RINVMSGID"),
    RBINDFAIL: Meaning("ESME_RBINDFAIL", "retry", "bad_credentials", BAD_BIND_PAUSE),
    RINVPASWD: Meaning("ESME_RINVPASWD", "retry", "bad_credentials", BAD_BIND_PAUSE),
    RINVSYSID: Meaning("ESME_RINVSYSID", "retry", "bad_credentials", BAD_BIND_PAUSE),
    0x11: _refused("ESME_RCANCELFAIL"),
    0x13: _refused("ESME_RREPLACEFAIL"),
    RMSGQFUL: Meaning("ESME_RMSGQFUL", "retry", "throttled", QUEUE_FULL_PAUSE),
    0x15: _refused("ESME_RINVSERTYP", "not_permitted"),
    0x33: _refused("ESME_RINVNUMDESTS"),
    0x34: _refused("ESME_RINVDLNAME"),
    0x40: _refused("ESME_RINVDESTFLAG"),
    0x42: _refused("ESME_RINVSUBREP"),
    0x43: _refused("ESME_RINVESMCLASS"),
    0x44: _refused("ESME_RCNTSUBDL"),
    0x45: _refused("ESME_RSUBMITFAIL"),
    0x48: _refused("ESME_RINVSRCTON", "sender_not_found"),
    0x49: _refused("ESME_RINVSRCNPI", "sender_not_found"),
    0x50: _refused("ESME_RINVDSTTON", "invalid_recipient"),
    0x51: _refused("ESME_RINVDSTNPI", "invalid_recipient"),
    0x53: _refused("ESME_RINVSYSTYP", "not_permitted"),
    0x54: _refused("ESME_RINVREPFLAG"),
    0x55: _refused("ESME_RINVNUMMSGS"),
    RTHROTTLED: Meaning("ESME_RTHROTTLED", "retry", "throttled", THROTTLED_PAUSE),
    0x61: _refused("ESME_RINVSCHED"),
    0x62: _refused("ESME_RINVEXPIRY"),
    0x63: _refused("ESME_RINVDFTMSGID"),
    RX_T_APPN: Meaning("ESME_RX_T_APPN", "retry", "provider_error", SYSTEM_ERROR_PAUSE),
    0x65: _refused("ESME_RX_P_APPN"),
    0x66: _refused("ESME_RX_R_APPN", "content_refused"),
    0x67: _refused("ESME_RQUERYFAIL"),
    0xC0: _refused("ESME_RINVOPTPARSTREAM"),
    0xC1: _refused("ESME_ROPTPARNOTALLWD"),
    0xC2: _refused("ESME_RINVPARLEN"),
    0xC3: _refused("ESME_RMISSINGOPTPARAM"),
    0xC4: _refused("ESME_RINVOPTPARAMVAL"),
    0xFE: _refused("ESME_RDELIVERYFAILURE", "network_failed"),
    0xFF: _refused("ESME_RUNKNOWNERR"),
}

#: Numbers that each message centre fills as it likes (5.1.3).
VENDOR: Final = range(0x400, 0x500)


def meaning(status: int) -> Meaning:
    """What a status means; one that the specification does not name is a refusal."""
    found = STATUSES.get(status)
    if found is not None:
        return found
    return _refused(f"vendor status 0x{status:x}" if status in VENDOR else f"reserved status 0x{status:x}")
