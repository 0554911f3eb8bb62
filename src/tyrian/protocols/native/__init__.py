"""Tyrian's own HTTP API, under `/api/v1`."""

from tyrian.engine.ports import Registration
from tyrian.protocols.native.app import NativeFace

registration = Registration(name="native", face=NativeFace())
