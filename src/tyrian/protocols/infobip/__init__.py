"""Infobip, both ways: its Viber APIs as a face, and a channel that sends through it.

`wire`, `wire_bot` and `wire_business` spell what goes over the wire, `statuses` and `errors` are the facts as tables;
`operations` lists what the face serves, `connector` sends.
"""

from typing import Final

from tyrian.engine.ports import Registration
from tyrian.protocols.infobip.app import InfobipFace
from tyrian.protocols.infobip.channel import kind

registration: Final = Registration(name="infobip", kinds=(kind,), face=InfobipFace())
