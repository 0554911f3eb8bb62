"""Why something ended as it did: a closed vocabulary of stable words.

Every `reason` that leaves Tyrian (in the API, callbacks, events, exports) is a key of `REASONS`; its sentence is
what the documentation prints. A connector maps its network's own codes to these words and keeps the raw code in
the exchange, so nothing is lost in translation.
"""

from typing import Final

REASONS: Final[dict[str, str]] = {
    # How a cascade moves on
    "fallback_time_passed": "The step's fallback time passed without a delivery, so the next channel was tried.",
    "validity_passed": "The message or step was not delivered within its validity.",
    "cancelled_by_customer": "The customer cancelled the message before it was sent.",
    "delivered_elsewhere": "Another channel of the cascade had already delivered the message, so this one was skipped.",
    # The recipient
    "not_a_viber_user": "The number or user id is not registered with Viber.",
    "not_subscribed": "The person has not subscribed to the bot, or has unsubscribed.",
    "blocked_by_user": "The person has blocked the sender, or all business messages.",
    "no_suitable_device": "The person has no device that can show this message.",
    "invalid_recipient": "The network does not accept the recipient's address.",
    "unreachable_recipient": "The network could not reach the recipient: switched off, no coverage, or a full inbox.",
    "unknown_recipient": "The network does not know the recipient.",
    # Content and rules
    "content_refused": "The network refused the content, or the combination of content and purpose.",
    "media_not_ready": "The message's files are being looked at, or made to fit, before it is sent.",
    "media_unreachable": "A file of the message could not be fetched, tried several times.",
    "media_unfit": "The channel does not take a file of the message, and it could not be made to fit.",
    "template_refused": "The network does not know the template, or its parameters do not fit.",
    "session_closed": "The content needs an open session with the person, and none is open.",
    "session_full": "The session has had all the messages that it holds; the person's next message opens another.",
    "unanswered_limit": "As many messages in a row went unanswered as the channel allows; the person must write first.",
    "awaiting_reply": "The network says that too many messages went unanswered; the person must write first.",
    "suppressed": "The address is on the account's suppression list.",
    "opted_out": "The person opted out, by a word, by the API, or by unsubscribing.",
    "no_opt_in": "The account's policy asks for an opt-in, and the person gave none.",
    "quiet_hours": "It is in quiet hours where the person is, and they do not end in time.",
    "frequency_cap": "The person had as many promotional messages as the account's policy allows.",
    "first_contact_promotional": "The account's policy does not let the first message to a person be promotional.",
    "already_sent": "The network says that it has this message already.",
    "country_not_supported": "The network does not carry this message to the recipient's country.",
    # The sender and its account with the network
    "bad_credentials": "The network refused the channel's credentials, or the address it was called from.",
    "sender_blocked": "The network has suspended or blocked the sender.",
    "sender_not_found": "The network does not know the sender.",
    "not_permitted": "The sender is not permitted to do this on the network.",
    "no_credit": "The sender's allowance or balance with the network is used up.",
    "webhook_not_set": "The bot has no webhook, and the network sends nothing until it has one.",
    # The way there
    "throttled": "The network asked for fewer messages at a time.",
    "provider_error": "The network answered with an error of its own.",
    "provider_unreachable": "No connection to the network could be made.",
    "provider_garbage": "The network's answer could not be understood.",
    "no_answer": "The network took the request and did not answer in time, so the outcome of the send is unknown.",
    "interrupted": "The gateway stopped between sending and recording, so the outcome of the send is unknown.",
    "network_failed": "The network reported that delivery failed, without a reason that Tyrian knows.",
    "network_expired": "The network gave up delivering within the time it was given.",
    "deleted_by_network": "The network deleted the message before delivering it.",
    "rejected_by_network": "The network rejected the message after accepting it.",
    "circuit_open": "The channel was failing, so that another channel of its group was used without trying it.",
    "channel_removed": "The channel was removed or disabled before the message could be sent.",
    # Callbacks
    "endpoint_refused": "The customer's endpoint answered with a status other than 2xx.",
    "endpoint_unreachable": "The customer's endpoint could not be reached.",
    "endpoint_blocked": "The customer's URL leads to an address that the gateway may not call.",
    "endpoint_timeout": "The customer's endpoint did not answer in time.",
    "not_rendered": "The callback could not be put into the dialect of the API that took the message.",
}

#: What networks say of a person that holds for the next message of the same sender as well.
BLOCKING: Final = frozenset({"blocked_by_user", "not_subscribed"})
