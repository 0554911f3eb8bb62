"""Genesys Cloud's Platform API, both ways: a face that serves it, and a connector that sends through Open Messaging."""

from typing import Final

from tyrian.engine.ports import Registration

registration: Final = Registration(name="genesys")
