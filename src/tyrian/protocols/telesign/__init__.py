"""Telesign Messaging, both ways: a face that answers as Telesign does, and a connector that sends through it.

`wire`, `codes`, `templates` and `signing` are the facts; `app` is the face, `connector` and `hook` the way out.
"""

from typing import Final

from tyrian.engine.ports import Registration
from tyrian.protocols.telesign.app import TelesignFace
from tyrian.protocols.telesign.connector import kind

registration: Final = Registration(name="telesign", kinds=(kind,), face=TelesignFace())
