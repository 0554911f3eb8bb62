"""What Prometheus may ask: counters of the one way, and gauges of what waits.

Counts are kept where the work is done; gauges of the database are read when somebody scrapes, at most every few
seconds, so that watching costs nothing when nobody watches. `METRICS` is the list that the documentation renders.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tyrian.engine.ports import Channel
from tyrian.store.callbacks import Outcome

#: Name -> one sentence. A metric that is not here cannot be made.
METRICS: Final[dict[str, str]] = {
    "tyrian_sends_total": "Sends by channel and result (sent, refused, retry, unknown).",
    "tyrian_send_seconds": "Time from handing a send to its network until the network's answer, by channel.",
    "tyrian_reroutes_total": "Attempts moved to another channel of their group, by the channel left and the reason.",
    "tyrian_circuit_state": "Whether a channel is failing, as this process judges it: 0 closed, 1 half-open, 2 open.",
    "tyrian_messages_accepted_total": "Messages accepted by this process.",
    "tyrian_receipts_total": "Receipts taken by this process.",
    "tyrian_receipts_orphaned_total": "Receipts given up because no attempt with their id appeared.",
    "tyrian_clicks_total": "Clicks on tracked links counted by this process.",
    "tyrian_button_presses_total": "Presses of buttons with data, by what their code was (known, unknown, foreign, "
    "expired, malformed).",
    "tyrian_stale_presses_answered_total": "Presses of buttons of no use after which this process told the person so.",
    "tyrian_guard_verdicts_total": "Messages that a rule about people stood against, by reason and outcome (refused, "
    "put_off), asked at acceptance and again before the send.",
    "tyrian_sessions_opened_total": "Sessions that messages of people opened in this process.",
    "tyrian_flow_steps_total": "Steps that this process took in flows.",
    "tyrian_flow_hooks_total": "Hooks of flows that this process called, tries of one call counted once.",
    "tyrian_flow_hooks_failed_total": "Hooks of flows that gave no answer that could be used.",
    "tyrian_flow_hooks_in_flight": "Hooks of flows that this process calls at this moment, or has in line.",
    "tyrian_flow_runs_open": "People under way in flows, counted up to ten thousand.",
    "tyrian_flow_overdue_seconds": "Age of the oldest step of a flow that is due and that no node has taken up.",
    "tyrian_conversations_waiting": "Conversations that wait for an agent, by queue.",
    "tyrian_conversations_oldest_waiting_seconds": "How long the conversation that waits longest has waited, by queue.",
    "tyrian_conversations_held": "Conversations that agents have, alerted or connected, by queue.",
    "tyrian_agents": "Agents, by state (available, away, offline).",
    "tyrian_first_answer_seconds": "Time from a conversation's coming to a queue or agent until an agent's first "
    "answer in it, by account.",
    "tyrian_inbox_watchers": "Readers of the inbox's stream of events on this process.",
    "tyrian_sends_due": "Sends that are due and wait for room or for their channel's limits, by channel.",
    "tyrian_oldest_due_seconds": "Age of the oldest due send, by channel.",
    "tyrian_sends_in_flight": "Sends claimed and not yet written down, over all nodes, by channel.",
    "tyrian_receipts_missing": "Attempts that were sent and wait for a receipt or their deadline.",
    "tyrian_receipts_parked": "Receipts that wait for their attempt to be stored.",
    "tyrian_callbacks_total": "Tries of callbacks by this process, by outcome (delivered, failed, parked).",
    "tyrian_callbacks_waiting": "Callbacks waiting to be delivered, by kind (first, retry, parked).",
    "tyrian_group_commit_depth": "Items waiting for the group commit of this process, by kind.",
}

#: People's time: from seconds to a day.
_ANSWER_BUCKETS = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sends = Counter(*_named("tyrian_sends_total"), ["account", "channel", "result"], registry=self.registry)
        self._seconds = Histogram(
            *_named("tyrian_send_seconds"), ["account", "channel"], registry=self.registry, buckets=_BUCKETS
        )
        self._callbacks = Counter(*_named("tyrian_callbacks_total"), ["outcome"], registry=self.registry)
        self._reroutes = Counter(
            *_named("tyrian_reroutes_total"), ["account", "channel", "reason"], registry=self.registry
        )
        self._presses = Counter(*_named("tyrian_button_presses_total"), ["code"], registry=self.registry)
        self._verdicts = Counter(*_named("tyrian_guard_verdicts_total"), ["reason", "outcome"], registry=self.registry)
        self._answers = Histogram(
            *_named("tyrian_first_answer_seconds"), ["account"], registry=self.registry, buckets=_ANSWER_BUCKETS
        )
        self._counters: dict[str, Counter] = {}
        self._counted: dict[str, float] = {}
        self._gauges: dict[str, Gauge] = {}
        self._bound: dict[tuple[int, str], tuple[Counter, Histogram]] = {}

    def sent(self, channel: Channel, result: str, seconds: float) -> None:
        """Counts one send."""
        key = (channel.id, result)
        bound = self._bound.get(key)
        if bound is None:
            account = str(channel.account_id)
            sends = self._sends.labels(account, channel.name, result.lower())
            bound = (sends, self._seconds.labels(account, channel.name))
            self._bound[key] = bound
        bound[0].inc()
        bound[1].observe(seconds)

    def rerouted(self, channel: Channel, reason: str) -> None:
        """Counts an attempt that was moved away from a channel."""
        self._reroutes.labels(str(channel.account_id), channel.name, reason).inc()

    def pressed(self, code: str) -> None:
        """Counts a press of a button with data."""
        self._presses.labels(code).inc()

    def judged(self, reason: str, outcome: str) -> None:
        """Counts a guard's verdict against a message."""
        self._verdicts.labels(reason, outcome).inc()

    def answered(self, account_id: int, seconds: float) -> None:
        """Counts the first answer of an agent to somebody who waited."""
        self._answers.labels(str(account_id)).observe(seconds)

    def called(self, outcome: Outcome) -> None:
        """Counts one try of a callback."""
        self._callbacks.labels(outcome.type.removeprefix("callback_")).inc()

    def count(self, name: str, total: float) -> None:
        """Brings a counter up to a total that is kept elsewhere."""
        counter = self._counters.get(name)
        if counter is None:
            counter = Counter(*_named(name), registry=self.registry)
            self._counters[name] = counter
        counter.inc(max(total - self._counted.get(name, 0.0), 0.0))
        self._counted[name] = total

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Sets a number read at this moment."""
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = Gauge(*_named(name), list(labels), registry=self.registry)
            self._gauges[name] = gauge
        (gauge.labels(**labels) if labels else gauge).set(value)

    def clear(self, name: str) -> None:
        """Forgets a gauge's labels before it is set anew."""
        gauge = self._gauges.get(name)
        if gauge is not None and gauge._labelnames:
            gauge.clear()

    def render(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)


def _named(name: str) -> tuple[str, str]:
    return name, METRICS[name]
