"""Business accounts (service ids): where their callbacks go, their templates, their sessions with people."""

from typing import Final

from msgspec import Struct, field

#: A session lasts so many seconds from the person's message, and holds so many business messages.
SESSION: Final = 24 * 3600.0
SESSION_MESSAGES: Final = 60


class Template(Struct, kw_only=True):
    """A message that Viber has approved. `parameters` are the names in its `{{...}}`; one for OTP has `pin`."""

    id: str
    parameters: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()

    @property
    def otp(self) -> bool:
        """True for one-time passwords."""
        return "pin" in self.parameters


#: The two ready-made templates for one-time passwords that every sender has.
OTP_TEMPLATES: Final = {
    template.id: template
    for template in (
        Template(id="0aac888f-2ee2-4112-9659-1755a951966a", parameters=frozenset({"pin"})),
        Template(id="c2cdc028-a48b-4187-bbaf-3aaa137b6e23", parameters=frozenset({"pin"})),
    )
}


class Session(Struct):
    """An open session with one person."""

    until: float
    sent: int = 0
    #: Messages since the person last wrote.
    unanswered: int = 0


class Service(Struct, kw_only=True):
    """One service id."""

    id: int
    #: Where receipts and people's messages are posted; empty for nowhere.
    callback_url: str = ""
    #: Signs callbacks, as a bot's token does; None leaves them unsigned.
    secret: str | None = None
    #: 0, or the status with which every send is refused: 43 blocked, 13 not permitted, 14 billing, ...
    refused: int = 0
    #: With none registered, any template id is taken.
    templates: dict[str, Template] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)

    def session(self, number: str, now: float) -> Session | None:
        """The open session with a number."""
        found = self.sessions.get(number)
        if found is not None and now >= found.until:
            del self.sessions[number]
            return None
        return found

    def wrote(self, number: str, now: float) -> None:
        """The person wrote: a session opens, or goes on with nothing unanswered."""
        found = self.session(number, now)
        if found is None or found.sent >= SESSION_MESSAGES:
            self.sessions[number] = Session(until=now + SESSION)
        else:
            found.unanswered = 0
