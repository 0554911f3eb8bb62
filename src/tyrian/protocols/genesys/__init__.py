"""Genesys Cloud's Platform API, both ways: a face that serves it, and a connector that sends through Open Messaging."""

from typing import Final

from tyrian.engine.ports import Registration
from tyrian.protocols.genesys.app import GenesysFace
from tyrian.protocols.genesys.connector import kind

registration: Final = Registration(name="genesys", kinds=(kind,), face=GenesysFace())
