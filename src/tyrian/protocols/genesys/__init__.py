"""Genesys Cloud's Platform API, both ways: a face that serves it, and a connector that sends through Open Messaging."""

from typing import Final

from tyrian.engine.ports import Registration
from tyrian.protocols.genesys.app import GenesysFace
from tyrian.protocols.genesys.connector import kind
from tyrian.protocols.genesys.open_channel import kind as open_kind

registration: Final = Registration(name="genesys", kinds=(kind, open_kind), face=GenesysFace())
