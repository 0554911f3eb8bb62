"""The connectors that are held to the suite. A new protocol adds its subject here.

A protocol in a package of its own is tried from there: with `TYRIAN_CONFORMANCE=package.module:SUBJECT` in the
environment, `pytest tests/conformance` takes that subject in as well.
"""

import importlib
import os
from collections.abc import Sequence

from tests.conformance import genesys, guide, infobip, telesign
from tests.conformance.open_messaging import OpenMessagingSubject
from tests.conformance.sms import SmsSubject
from tests.conformance.subject import Subject
from tests.conformance.tyntec import TyntecSubject
from tests.conformance.viber import BotSubject, BusinessSubject


def subjects() -> Sequence[Subject]:
    """All of them; the last is the example of the guide to adding a protocol."""
    named = os.environ.get("TYRIAN_CONFORMANCE", "")
    return [
        BotSubject(),
        BusinessSubject(),
        SmsSubject(),
        *infobip.SUBJECTS,
        *telesign.SUBJECTS,
        TyntecSubject(),
        *genesys.SUBJECTS,
        OpenMessagingSubject(),
        guide.subject(),
        *([_named(named)] if named else []),
    ]


def _named(place: str) -> Subject:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    assert isinstance(found, Subject), f"{place} is no Subject"
    return found
