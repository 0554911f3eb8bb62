"""The operations on consent, suppressions and policies."""

from typing import Any, Final

from tyrian.domain.consent import Policy
from tyrian.protocols.native import consent, consent_wire as wire, suppressions
from tyrian.protocols.native.operation import JSON, Answer, Operation
from tyrian.protocols.native.people_operations import ID, MANAGE, READ

_CONSENT: Final = "Consent"
_SUPPRESSIONS: Final = "Suppressions"
SUPPRESSION: Final[dict[str, Any]] = {
    "id": "01980f5e-6c00-7000-8000-1c2d3e4f5a6b",
    "address": "+385991234530",
    "contact_id": None,
    "name": None,
    "channel": None,
    "purpose": "promotional",
    "reason": "complained by phone",
    "until": None,
    "created_at": "2026-03-01T09:30:00.000Z",
    "lifted_by": None,
}
_RECORDS: Final[dict[str, Any]] = {
    "an opt-in with its proof": {
        "records": [
            {
                "to": {"address": "+385991234520"},
                "granted": True,
                "purpose": "promotional",
                "evidence": "form /newsletter, box ticked, 203.0.113.7",
                "at": "2026-03-01T09:30:00Z",
            }
        ]
    },
    "an opt-out of everything": {"records": [{"to": {"address": "+385991234521"}, "granted": False}]},
}
_HISTORY: Final[dict[str, Any]] = {
    "standing": [
        {
            "channel": "demo-sms",
            "network": None,
            "blocked": None,
            "purposes": {
                "transactional": "unknown",
                "promotional": "opted_in",
                "session": "unknown",
                "otp": "unknown",
            },
        }
    ],
    "records": [
        {
            "id": ID,
            "granted": True,
            "channel": None,
            "purpose": "promotional",
            "source": "api",
            "evidence": "form /newsletter, box ticked, 203.0.113.7",
            "at": "2026-03-01T09:30:00.000Z",
        }
    ],
}
_POLICY: Final[dict[str, Any]] = {
    "opt_in": "promotional",
    "quiet_hours": [{"from": "21:00", "to": "08:00"}, {"from": "20:00", "to": "09:00", "countries": ["FR"]}],
    "frequency_caps": [{"messages": 2, "per": "week"}],
    "promotion_first": False,
    "words": {"opt_out": ["basta"], "opt_out_text": "You will get no more messages from us."},
}
_POLICY_ANSWER: Final = Answer(
    status=200,
    description="The policy.",
    type=wire.PolicyAnswer,
    example={"policy": _POLICY, "updated_at": "2026-03-01T09:30:00.000Z"},
)

CONSENT: Final = (
    Operation(
        method="POST",
        path="/api/v1/consent",
        name="recordConsent",
        tag=_CONSENT,
        summary="Record what people agreed to",
        description=(
            "Opt-ins and opt-outs with their proof, up to a thousand at a time, all or none. Records are only ever "
            "added: the latest that covers a channel and a purpose counts. A person who is not known yet becomes a "
            "contact."
        ),
        scope=MANAGE,
        handler=consent.record,
        body=wire.ConsentRequest,
        examples=_RECORDS,
        answers=(Answer(status=201, description="Recorded.", type=wire.RecordedAnswer, example={"contacts": [ID]}),),
    ),
    Operation(
        method="GET",
        path="/api/v1/contacts/{id}/consent",
        name="getConsent",
        tag=_CONSENT,
        summary="Read what a person agreed to",
        description="A person's records, newest first, a thousand at most, and where they stand on each channel.",
        scope=READ,
        handler=consent.history,
        identifies="contact",
        answers=(Answer(status=200, description="The records.", type=wire.ConsentHistory, example=_HISTORY),),
    ),
    Operation(
        method="POST",
        path="/api/v1/consent/check",
        name="checkConsent",
        tag=_CONSENT,
        summary="Ask whether a message may be sent",
        description=(
            "Whether a message to this person would be refused or put off now (or `at` a time), and by which rule. "
            "Nothing is sent and nothing is counted."
        ),
        scope=READ,
        handler=consent.check,
        body=wire.CheckRequest,
        examples={"a promotion": {"to": "+385991234501", "channel": "demo-sms", "purpose": "promotional"}},
        answers=(
            Answer(
                status=200,
                description="Whether it may.",
                type=wire.CheckAnswer,
                example={
                    "allowed": False,
                    "reason": "suppressed",
                    "rule": "is on the suppression list: complained by phone",
                    "until": None,
                },
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/consent/policy",
        name="getPolicy",
        tag=_CONSENT,
        summary="Read the policy",
        description="The rules of the account. One that never had a policy has one that rules nothing.",
        scope=READ,
        handler=consent.get_policy,
        answers=(_POLICY_ANSWER,),
    ),
    Operation(
        method="PUT",
        path="/api/v1/consent/policy",
        name="setPolicy",
        tag=_CONSENT,
        summary="Set the policy",
        description=(
            "The whole policy; what the body leaves out is off. It holds on every node within seconds, for messages "
            "that wait as well."
        ),
        scope=MANAGE,
        handler=consent.put_policy,
        body=Policy,
        examples={"careful promotion": _POLICY, "nothing": {}},
        answers=(_POLICY_ANSWER,),
    ),
    Operation(
        method="POST",
        path="/api/v1/suppressions",
        name="suppress",
        tag=_SUPPRESSIONS,
        summary="Put addresses and people on the suppression list",
        description=(
            "Up to 100000 addresses or contacts, all or none, as JSON or as CSV (`text/csv`, in UTF-8; the first line "
            "names the columns: `address`, and any of `channel`, `purpose`, `reason`, `until`). An entry that is there "
            "gets the new reason and end. A contact (`contact_id`, in JSON) is suppressed by every address, also by "
            "those that are added later. Every send of the account is held against the list."
        ),
        scope=MANAGE,
        handler=suppressions.suppress,
        body=wire.SuppressionRequest,
        read=suppressions.read_list,
        media=(JSON, suppressions.CSV),
        examples={
            "one number": {
                "suppressions": [
                    {"address": "+385991234530", "purpose": "promotional", "reason": "complained by phone"}
                ]
            },
        },
        answers=(Answer(status=201, description="On the list.", type=wire.SuppressedAnswer, example={"count": 1}),),
    ),
    Operation(
        method="GET",
        path="/api/v1/suppressions",
        name="listSuppressions",
        tag=_SUPPRESSIONS,
        summary="List the suppressed addresses and people",
        description=(
            "Newest first; with `address`, all entries of that address and of the contact that has it; with "
            "`contact_id`, those of a contact and of its addresses. Those that have ended are among them."
        ),
        scope=READ,
        handler=suppressions.list_suppressions,
        query=wire.SuppressionFilter,
        answers=(
            Answer(
                status=200,
                description="A page.",
                type=wire.SuppressionList,
                example={"suppressions": [SUPPRESSION], "next": None},
            ),
        ),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/suppressions/{id}",
        name="unsuppress",
        tag=_SUPPRESSIONS,
        summary="Take an entry off the suppression list",
        description="Removes one entry. Other entries of the same address stay.",
        scope=MANAGE,
        handler=suppressions.remove,
        identifies="suppression",
        answers=(Answer(status=204, description="Removed."),),
    ),
)
