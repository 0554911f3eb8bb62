"""The operations on contacts."""

from typing import Any, Final

from tyrian.protocols.native import people, people_wire as wire
from tyrian.protocols.native.operation import Answer, Operation

TAG: Final = "Contacts"
READ: Final = "people:read"
MANAGE: Final = "people:manage"
ID: Final = "01980f5e-6c00-7000-8000-5a1d0c9e7b31"
CONTACT: Final[dict[str, Any]] = {
    "id": ID,
    "name": "Ana Horvat",
    "language": "hr",
    "country": "HR",
    "attributes": {"customer": 4711, "vip": True},
    "addresses": [
        {"address": "+385991234501", "channel": None, "source": "api", "added_at": "2026-03-01T09:30:00.000Z"},
        {
            "address": "01234567890A=",
            "channel": "demo-bot",
            "source": "inbound",
            "added_at": "2026-03-02T10:00:00.000Z",
        },
    ],
    "created_at": "2026-03-01T09:30:00.000Z",
    "updated_at": "2026-03-02T10:00:00.000Z",
}
_CREATE: Final[dict[str, Any]] = {
    "a person with a number": {
        "name": "Ana Horvat",
        "language": "hr",
        "country": "HR",
        "attributes": {"customer": 4711, "vip": True},
        "addresses": [{"address": "+385991234520"}],
    },
    "only a name": {"name": "Ivo"},
}
_CHANGE: Final[dict[str, Any]] = {
    "another name, one attribute less": {"name": "Ana Novak", "attributes": {"vip": None}},
}
_ADDRESS: Final[dict[str, Any]] = {"a number": {"address": "+385991234521"}}
_ANSWER: Final = Answer(status=200, description="The contact.", type=wire.ContactAnswer, example=CONTACT)

PEOPLE: Final = (
    Operation(
        method="POST",
        path="/api/v1/contacts",
        name="createContact",
        tag=TAG,
        summary="Make a contact",
        description=(
            "One person, with any number of addresses. An address belongs to one contact: one that another has "
            "already is a conflict. Whoever writes to one of your channels becomes a contact without this."
        ),
        scope=MANAGE,
        handler=people.create,
        body=wire.ContactRequest,
        examples=_CREATE,
        errors=("conflict",),
        answers=(Answer(status=201, description="The contact.", type=wire.ContactAnswer, example=CONTACT),),
    ),
    Operation(
        method="GET",
        path="/api/v1/contacts",
        name="listContacts",
        tag=TAG,
        summary="List and find contacts",
        description=(
            "Contacts, newest first. With `address`, those that have it: at most one for a phone number, one for each "
            "channel otherwise."
        ),
        scope=READ,
        handler=people.list_contacts,
        query=wire.ContactFilter,
        answers=(
            Answer(
                status=200,
                description="A page.",
                type=wire.ContactList,
                example={"contacts": [CONTACT], "next": None},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/contacts/{id}",
        name="getContact",
        tag=TAG,
        summary="Read a contact",
        description="One person. The id of a contact that became part of another leads to that one.",
        scope=READ,
        handler=people.get,
        identifies="contact",
        answers=(_ANSWER,),
    ),
    Operation(
        method="PATCH",
        path="/api/v1/contacts/{id}",
        name="changeContact",
        tag=TAG,
        summary="Change a contact",
        description="Changes what is said of a person; what the body does not name stays.",
        scope=MANAGE,
        handler=people.change,
        body=wire.ContactChange,
        examples=_CHANGE,
        identifies="contact",
        answers=(_ANSWER,),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/contacts/{id}",
        name="eraseContact",
        tag=TAG,
        summary="Erase a person",
        description=(
            "Removes the contact with its name, attributes, addresses and consents, and what is remembered of the "
            "person: where they stand in flows, with the variables, keyboards, the codes of buttons, sessions, "
            "conversations. Opt-outs and suppressions stay, by address, on the suppression list. Messages go when "
            "their time is over. This cannot be undone; a repeat changes nothing."
        ),
        scope=MANAGE,
        handler=people.erase,
        identifies="contact",
        answers=(Answer(status=204, description="Erased."),),
    ),
    Operation(
        method="POST",
        path="/api/v1/contacts/{id}/merge",
        name="mergeContacts",
        tag=TAG,
        summary="Make one contact of two",
        description=(
            "Both are the same person: the other's addresses, consents and suppressions move to this one, and its id "
            "leads here from now on. Where both say something, what this one says stays. A repeat changes nothing."
        ),
        scope=MANAGE,
        handler=people.merge,
        body=wire.MergeRequest,
        examples={"the same person": {"contact_id": ID}},
        identifies="contact",
        answers=(_ANSWER,),
    ),
    Operation(
        method="POST",
        path="/api/v1/contacts/{id}/addresses",
        name="addContactAddress",
        tag=TAG,
        summary="Add an address to a contact",
        description="One that the contact has already changes nothing; one of another contact is a conflict.",
        scope=MANAGE,
        handler=people.add_address,
        body=wire.AddressRequest,
        examples=_ADDRESS,
        errors=("conflict",),
        identifies="contact",
        answers=(_ANSWER,),
    ),
    Operation(
        method="POST",
        path="/api/v1/contacts/{id}/addresses/remove",
        name="removeContactAddress",
        tag=TAG,
        summary="Take an address from a contact",
        description=(
            "The person is not reached there any more. Whoever writes from there afterwards is a new contact. One that "
            "the contact has not got changes nothing."
        ),
        scope=MANAGE,
        handler=people.remove_address,
        body=wire.AddressRequest,
        examples=_ADDRESS,
        identifies="contact",
        answers=(_ANSWER,),
    ),
)
