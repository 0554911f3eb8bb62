"""What is measured, by name."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from bench.figures import Figure
from bench.scenarios import backlog, bulk, faces, latency, presses, startup, throughput
from bench.world import World


class Scenario(NamedTuple):
    """A scenario: what it is about, and how it is run."""

    about: str
    run: Callable[[World], Awaitable[list[Figure]]]


SCENARIOS: dict[str, Scenario] = {
    "accepts": Scenario("single messages taken over HTTP and committed", throughput.accepts),
    "accepts_infobip": Scenario("the same as Infobip's API takes them", faces.infobip),
    "accepts_telesign": Scenario("the same as Telesign's API takes them", faces.telesign),
    "accepts_tyntec": Scenario("the same as tyntec's API takes them", faces.tyntec),
    "sends": Scenario("taken, committed, sent to the provider, and the outcome committed", throughput.sends),
    "life": Scenario("taken, sent, delivered and seen receipts, and a customer's callback for each", throughput.life),
    "receipts": Scenario("receipts taken from the provider and committed", throughput.receipts),
    "inbound": Scenario("messages from people, signed by Viber, taken and committed", throughput.inbound),
    "presses": Scenario("people in a flow press buttons: until the next message, and memory", presses.run),
    "bulk": Scenario("a million recipients added to a bulk: speed and memory", bulk.run),
    "latency": Scenario("from accept to the provider's POST, at half the load of `sends`", latency.run),
    "backlog": Scenario("the cost of a message as history and backlog grow", backlog.run),
    "startup": Scenario("from `tyrian serve` on a warm data folder to ready", startup.run),
}
