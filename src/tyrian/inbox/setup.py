"""Puts the inbox into a gateway, and what answers people by itself before it."""

from typing import Any

from tyrian.engine.reacting import Reaction
from tyrian.inbox.desk import Desk
from tyrian.inbox.flows.desk import Flows


def install(gateway: Any) -> Desk:
    """Gives a gateway its inbox and its flows: before it starts, so that no message passes them by."""
    desk = Desk(gateway)
    gateway.inbox = desk
    gateway.turns.reactions.insert(0, desk.recorder)
    gateway.turns.reactions.append(desk.router)
    gateway.node.listen("tyrian_due", desk.notified)
    gateway.flows = Flows(gateway)
    put_before_inbox(gateway, gateway.flows)
    gateway.inbound.stages.append(gateway.flows.ahead)
    if gateway.ready:
        desk.start_soon()
    return desk


def put_before_inbox(gateway: Any, reaction: Reaction) -> None:
    """Adds a reaction that is asked before a message is put into a queue, and after it stands in its thread."""
    gateway.turns.reactions.insert(gateway.turns.reactions.index(gateway.inbox.router), reaction)
