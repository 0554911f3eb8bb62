"""The stock Python client `PureCloudPlatformClientV2`, unmodified but for host and credentials, against a running demo.

Each group of calls is made as a customer's program makes it, and is refused in three ways.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.contracts.running import Demo
from tests.contracts.stock import sdk

CLIENT, SECRET = "demo-genesys-client", "demo-genesys-secret"


class Stock:
    """The stock client beside the demo that it talks to."""

    def __init__(self, demo: Demo, token: str | None = None) -> None:
        self.demo = demo
        client = sdk.api_client.ApiClient(host=demo.base)
        if token is None:
            client = client.get_client_credentials_token(CLIENT, SECRET)
        else:
            client.access_token = token
        self.token = client.access_token
        self.conversations = sdk.ConversationsApi(client)
        self.routing = sdk.RoutingApi(client)
        self.tokens = sdk.TokensApi(client)
        self.utilities = sdk.UtilitiesApi(client)

    @property
    def queue(self) -> str:
        """The id of the demo's queue."""
        (queue,) = self.routing.get_routing_queues(name="demo-queue").entities
        return str(queue.id)

    def begin(self, number: str) -> str:
        """Opens a conversation; its id."""
        return str(self.conversations.post_conversations_messages(_begin(self.queue, number)).id)

    def last(self, conversation: str, purpose: str = "agent") -> Any:
        """The last participant of a purpose."""
        found = self.conversations.get_conversation(conversation)
        return [p for p in found.participants if p.purpose == purpose][-1]

    def send(self, conversation: str, text: str) -> Any:
        """Sends by the last agent's communication."""
        body = sdk.AdditionalMessage()
        body.text_body = text
        communication = self.last(conversation).messages[0].id
        return self.conversations.post_conversations_message_communication_messages(conversation, communication, body)


def _begin(queue: str, number: str) -> Any:
    body = sdk.CreateOutboundMessagingConversationRequest()
    body.queue_id, body.to_address, body.to_address_messenger_type = queue, number, "open"
    return body


def _agentless(sender: str, number: str, text: str = "Your order has arrived.") -> Any:
    body = sdk.SendAgentlessOutboundMessageRequest()
    body.from_address, body.to_address, body.to_address_messenger_type = sender, number, "open"
    body.text_body = text
    return body


def _to_queue(queue: str) -> Any:
    body = sdk.TransferToQueueRequest()
    body.queue_id = queue
    return body


@pytest.fixture(scope="module")
def stock(demo: Demo) -> Stock:
    # The client's configuration is one for the whole process, and its host is read when a token is asked for.
    sdk.configuration.host = demo.base
    return Stock(demo)


def refused(call: Callable[..., Any], *args: Any, **more: Any) -> tuple[int, str]:
    """Status and code of an error, which the client must raise."""
    with pytest.raises(sdk.rest.ApiException) as caught:
        call(*args, **more)
    body = json.loads(caught.value.body)
    return caught.value.status, body.get("code") or body["error"]


# -- Tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_and_whose_it_is(stock: Stock) -> None:
    me = stock.tokens.get_tokens_me()
    assert me.o_auth_client.id == CLIENT
    assert stock.utilities.get_ipranges().entities is not None


def test_tokens_that_are_not_given_or_are_none(stock: Stock) -> None:
    client = sdk.api_client.ApiClient(host=stock.demo.base)
    assert refused(client.get_client_credentials_token, "nobody", SECRET) == (400, "invalid_client")
    assert refused(client.get_client_credentials_token, CLIENT, "wrong") == (401, "invalid_client")
    assert refused(Stock(stock.demo, "made-up").tokens.get_tokens_me) == (401, "bad.credentials")


# -- Conversations ----------------------------------------------------------------------------------------------------


def test_a_conversation_is_opened_read_and_written_in(stock: Stock) -> None:
    conversation = stock.begin("+385991237001")
    found = stock.conversations.get_conversations_message(conversation)
    assert found.id == conversation
    assert [(p.purpose, p.state, p.type) for p in found.participants] == [
        ("customer", "connected", "open"),
        ("agent", "connected", "open"),
    ]
    (communication,) = stock.last(conversation).messages
    assert (communication.state, communication.engagement_source) == ("connected", "Viber")
    sent = stock.send(conversation, "Hello")
    assert (sent.direction, sent.messenger_type, sent.normalized_message.text) == ("outbound", "open", "Hello")

    def read() -> bool:
        told = stock.conversations.get_conversations_message_message(conversation, sent.id)
        return bool(told.status == "read")

    stock.demo.until(read)
    details = stock.conversations.get_conversations_message_details(sent.id)
    assert (details.status, details.normalized_receipts[0].status) == ("read", "Read")
    bulk = stock.conversations.post_conversations_message_messages_bulk(conversation, body=[sent.id])
    assert [m.id for m in bulk.entities] == [sent.id]
    assert conversation in [c.id for c in stock.conversations.get_conversations_messages().entities]
    assert conversation in [c.id for c in stock.conversations.get_conversations().entities]


def test_conversations_that_are_not_opened_or_not_there(stock: Stock) -> None:
    api = stock.conversations
    nowhere = refused(api.post_conversations_messages, _begin(str(uuid4()), "+385991237002"))
    assert nowhere == (400, "conversations.error.queue.not.found")
    conversation = stock.begin("+385991237002")
    assert refused(api.post_conversations_messages, _begin(stock.queue, "+385991237002")) == (400, "bad.request")
    missing = str(uuid4())
    assert refused(api.get_conversation, missing) == (404, "conversation.error.conversation.not.found")
    assert refused(api.get_conversations_message, missing) == (404, "not.found")
    assert refused(api.get_conversations_message_message, conversation, missing) == (404, "not.found")


def test_messages_that_are_not_sent(stock: Stock) -> None:
    conversation = stock.begin("+385991237102")
    send = stock.conversations.post_conversations_message_communication_messages
    communication = stock.last(conversation).messages[0].id
    body = sdk.AdditionalMessage()
    assert refused(send, conversation, communication, body) == (400, "bad.request")
    body.text_body = "Hello"
    assert refused(send, conversation, str(uuid4()), body) == (404, "not.found")
    stock.conversations.post_conversation_disconnect(conversation)
    assert refused(send, conversation, communication, body) == (400, "bad.request")


# -- Transfers --------------------------------------------------------------------------------------------------------


def test_a_transfer_to_a_queue_reaches_its_agent(stock: Stock) -> None:
    conversation, api = stock.begin("+385991237003"), stock.conversations
    first = stock.last(conversation)
    assert api.post_conversation_participant_replace_queue(conversation, first.id, _to_queue(stock.queue)) is None
    stock.demo.until(lambda: stock.last(conversation).id != first.id)
    agent = stock.last(conversation)
    assert (agent.messages[0].state, agent.queue_name) == ("alerting", "demo-queue")
    change = sdk.MediaParticipantRequest()
    change.state = "connected"
    assert api.patch_conversations_message_participant(conversation, agent.id, body=change) is None
    found = api.get_conversations_message(conversation)
    assert [t.state for t in found.recent_transfers] == ["Complete"]
    assert [p.disconnect_type for p in found.participants if p.id == first.id] == ["transfer"]
    assert stock.send(conversation, "An agent here").created_by.id == agent.user_id
    attributes = sdk.ParticipantAttributes()
    attributes.attributes = {"order": "7"}
    customer = stock.last(conversation, "customer")
    set_ = api.patch_conversations_message_participant_attributes(conversation, customer.id, body=attributes)
    assert set_.attributes == {"order": "7"}


def test_transfers_that_are_refused(stock: Stock) -> None:
    conversation, api = stock.begin("+385991237004"), stock.conversations
    agent, customer = stock.last(conversation), stock.last(conversation, "customer")
    replace = api.post_conversation_participant_replace_queue
    missing = refused(replace, conversation, agent.id, _to_queue(str(uuid4())))
    assert missing == (400, "conversations.error.queue.not.found")
    theirs = refused(replace, conversation, customer.id, _to_queue(stock.queue))
    assert theirs == (400, "conversations.error.transfer.not.connected")
    assert refused(replace, conversation, str(uuid4()), _to_queue(stock.queue)) == (404, "not.found")
    blind = sdk.TransferRequest()
    blind.user_name = "nobody"
    someone = refused(api.post_conversations_message_participant_replace, conversation, agent.id, blind)
    assert someone == (400, "conversations.error.user.not.found")


# -- The end ----------------------------------------------------------------------------------------------------------


def test_a_conversation_is_disconnected(stock: Stock) -> None:
    conversation, api = stock.begin("+385991237005"), stock.conversations
    ended = sdk.Conversation()
    ended.state = "disconnected"
    found = api.patch_conversations_message(conversation, ended)
    assert found.end_time is not None
    assert api.post_conversation_disconnect(conversation) == ""
    one = stock.begin("+385991237105")
    leave = sdk.MediaParticipantRequest()
    leave.state = "disconnected"
    agent = stock.last(one)
    api.patch_conversations_message_participant_communication(one, agent.id, agent.messages[0].id, leave)
    assert api.get_conversation(one).end_time is not None


def test_what_cannot_be_disconnected(stock: Stock) -> None:
    conversation, api = stock.begin("+385991237006"), stock.conversations
    wrong = sdk.Conversation()
    wrong.state = "connected"
    assert refused(api.patch_conversations_message, conversation, wrong) == (400, "invalid.value")
    agent, change = stock.last(conversation), sdk.MediaParticipantRequest()
    change.state = "connected"
    one = (conversation, agent.id, agent.messages[0].id)
    left = refused(api.patch_conversations_message_participant_communication, *one, change)
    assert left == (400, "communication.state.required")
    assert refused(api.post_conversation_disconnect, str(uuid4()))[0] == 404


# -- Without an agent -------------------------------------------------------------------------------------------------


def test_a_message_without_an_agent(stock: Stock) -> None:
    recipients = stock.routing.get_routing_message_recipients(messenger_type="open").entities
    (own,) = [r for r in recipients if r.name == "demo-viber"]
    assert own.messenger_type == "open"
    sent = stock.conversations.post_conversations_messages_agentless(_agentless(own.id, "+385991237007"))
    assert (sent.messenger_type, sent.to_address, sent.message.id) == ("open", "+385991237007", sent.id)
    assert stock.conversations.get_conversation(sent.conversation_id).end_time is not None
    native = stock.demo.native("GET", f"/api/v1/messages/{sent.id}")
    assert native["to"] == "+385991237007"


def test_messages_without_an_agent_that_are_refused(stock: Stock) -> None:
    send = stock.conversations.post_conversations_messages_agentless
    assert refused(send, _agentless("nobody", "+385991237008")) == (400, "bad.request")
    assert refused(send, _agentless("demo-viber", "nobody")) == (400, "bad.request")
    assert refused(send, _agentless("demo-viber", "+385991237008", "x" * 2001)) == (400, "bad.request")
