"""What can stand in a message's history: a closed vocabulary of event types, and of the statuses that they lead to.

A message's history is append-only; its state is the fold of it. Every `type` of an event that leaves Tyrian is a key of
`EVENTS`; its sentence is what the documentation prints. Why something happened is the event's `reason`, a word of
`domain.reasons`.
"""

from typing import Final

from tyrian.domain.lifecycle import Status

#: Status -> what it says of a message or attempt.
STATUSES: Final[dict[str, str]] = {
    Status.ACCEPTED: "Stored, and due to be sent.",
    Status.SCHEDULED: "Stored, and waiting for its time.",
    Status.SENDING: "Being sent: with the network, waiting for another try, or going to the next step of its cascade.",
    Status.SENT: "A network took it; whether it arrives is not known yet.",
    Status.DELIVERED: "The person's device has it. `seen` may still follow.",
    Status.SEEN: "The person has read it.",
    Status.FAILED: "Nothing will be delivered; `reason` says why.",
    Status.EXPIRED: "Its time passed without a delivery.",
    Status.CANCELLED: "Taken back before it was sent.",
    Status.UNCERTAIN: "Of attempts: it may or may not have gone out, and nobody will know.",
    Status.SKIPPED: "Of attempts: its turn never came.",
}

EVENTS: Final[dict[str, str]] = {
    # The beginning, told from the message's own row
    "accepted": "The message was stored; from here on it is not lost.",
    "scheduled": "The message waits for its time; `detail` has `due_at`.",
    # A send
    "sent": "The network took the attempt.",
    "retry": "The network surely did not take the attempt, and it is tried again.",
    "put_off": (
        "A rule, or a file that is being looked at, keeps the message from going out yet; `detail` has when it is "
        "looked at again, at the latest, in `until`."
    ),
    "fitted": (
        "Pictures of the attempt were replaced, so that the channel takes them. `detail` has in `files` where each "
        "stands (`at`), and its URL and what it is, `from` before and `to` after."
    ),
    "uncertain": (
        "The attempt may or may not have gone out. `detail` has the `policy` of the channel: `resend` tries again as "
        "long as there is time, `fail` gives the attempt up."
    ),
    # The end of an attempt
    "delivered": "The network reported that the person's device has the message.",
    "seen": "The network reported that the person has read the message.",
    "failed": "The attempt came to nothing: refused at once, or reported as failed.",
    "expired": "The attempt's time passed without a delivery.",
    "cancelled": "The customer took the message back before it was sent.",
    # Around it
    "fallback": "The next step of the cascade was begun; `detail` has its number from 0 in `step`.",
    "rerouted": (
        "The step went on by another attempt, on another channel of its group: the first surely did not take it, or "
        "was not tried because it was failing. `detail` has the other `channel`."
    ),
    "late_receipt": (
        "The network reported on an attempt that was over already. `detail` has what it said in `receipt`; no status "
        "was changed by it."
    ),
    "clicked": (
        "A tracked link of the message was followed. `detail` has its `url`, its `button_id` and the `user_agent`. The "
        "first hundred clicks on a link are told, and all are counted."
    ),
    # Callbacks
    "callback_delivered": "A report was brought to the customer. `detail` has `callback_id`, `try` and `status`.",
    "callback_failed": "The customer's endpoint did not take a report; `detail` has `next_try_at`.",
    "callback_parked": "A report was given up for now, and is kept until redelivery is asked for.",
    "callback_redelivered": "Redelivery of a report was asked for.",
}
