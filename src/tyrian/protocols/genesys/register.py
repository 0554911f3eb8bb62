"""Registers: named sets of rules that integrations are given, made, listed, changed, chosen and removed over the API.

One is there without anybody having made it; it can be changed, and cannot be removed. An integration keeps what its own
is worth, so that a message asks nobody; what changes is carried to all integrations that have it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from msgspec import UNSET, convert, structs, to_builtins

from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.channel_spec import ChannelChange
from tyrian.protocols.genesys import errors, rights
from tyrian.protocols.genesys.ids import iso, uuid_of
from tyrian.protocols.genesys.open_config import KIND
from tyrian.protocols.genesys.operation import Call, Operation, Reply
from tyrian.protocols.genesys.organization import FACE
from tyrian.protocols.genesys.paging import QUERY, listing

_ME: Final = "me"
#: Entries that an account can have.
MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One register. An entry is a struct with `id`, `name`, `version`, `date_created`, `date_modified`, `self_uri`."""

    #: What its documents are kept under.
    kind: str
    path: str
    tag: str
    #: What an entry is called, in words, in the names of operations, in those of permissions, and in paths.
    noun: str
    word: str
    permission: str
    parameter: str
    entry: type[Any]
    listed: type[Any]
    #: Bodies: one to make, a change of one, and a choice, which has an `id`.
    request: type[Any]
    change: type[Any]
    choice: type[Any]
    examples: Mapping[str, Any]
    built_in: Any
    #: The setting of a channel that names an entry, and all that an entry is worth there.
    member: str
    worth: Callable[[Any], dict[str, Any]]
    #: Whether the default can be taken back.
    recalled: bool = False

    # -- Looking ------------------------------------------------------------------------------------------------------

    async def get(self, call: Call, identifier: str) -> Any:
        """An entry of the account. Raises `ApiError` (404)."""
        name = self._name(identifier)
        return self._read(name, await call.desk.gateway.documents.get(call.account_id, FACE, self.kind, name))

    async def default(self, call: Call) -> Any:
        """The entry of integrations that name none."""
        body = await call.desk.gateway.documents.get(call.account_id, FACE, self._chosen, _ME)
        try:
            return await self.get(call, body["id"] if body is not None else self.built_in.id)
        except errors.ApiError:
            return await self.get(call, self.built_in.id)

    @property
    def _chosen(self) -> str:
        return f"{self.kind}.default"

    def _name(self, identifier: str) -> str:
        found = uuid_of(identifier)
        if found is None:
            raise errors.not_found(f"The {self.noun} {identifier}")
        return str(found)

    def _read(self, name: str, body: Any | None) -> Any:
        if body is not None:
            return convert({"version": self.built_in.version, **body}, self.entry)
        if name != self.built_in.id:
            raise errors.not_found(f"The {self.noun} {name}")
        return self.built_in

    async def read_all(self, call: Call) -> Reply:
        """All entries, the built-in one first."""
        documents = await call.desk.gateway.documents.list(call.account_id, FACE, self.kind)
        found = {document.name: self._read(document.name, document.body) for document in documents}
        first = found.pop(self.built_in.id, self.built_in)
        return Reply(listing(call, self.path, [first, *found.values()]))

    async def read(self, call: Call) -> Reply:
        """One entry."""
        return Reply(await self.get(call, call.path[self.parameter]))

    async def read_default(self, call: Call) -> Reply:
        """The entry of integrations that name none."""
        return Reply(await self.default(call))

    # -- Changing -----------------------------------------------------------------------------------------------------

    async def create(self, call: Call) -> Reply:
        """Makes an entry."""
        given, gateway = call.body(self.request), call.desk.gateway
        if len(await gateway.documents.list(call.account_id, FACE, self.kind)) >= MOST:
            raise errors.bad(f"There are {MOST} of this kind already: {self.noun}.")
        name, now = str(uuid4()), iso(gateway.clock.now())
        own = {"id": name, "dateCreated": now, "dateModified": now, "selfUri": f"{self.path}/{name}"}
        made = convert({"version": self.built_in.version, **to_builtins(given), **own}, self.entry)
        await gateway.documents.put(call.account_id, FACE, self.kind, name, to_builtins(made))
        return Reply(made)

    async def alter(self, call: Call) -> Reply:
        """Changes an entry and all integrations that have it. What is left out stays, lists are replaced."""
        name, given = self._name(call.path[self.parameter]), call.body(self.change)
        members = {field.encode_name for field in structs.fields(self.change)}
        wanted = {key: value for key, value in call.body(dict[str, Any]).items() if key in members}
        gateway = call.desk.gateway

        def changed(body: Any | None) -> Any:
            known = self._read(name, body)
            if getattr(given, "version", UNSET) not in (UNSET, known.version):
                raise errors.conflict(
                    f"The {self.noun} is at version {known.version}: read it again, then change that."
                )
            version = type(known.version)(int(known.version) + 1)
            own = {"version": version, "dateModified": iso(gateway.clock.now())}
            return to_builtins(convert(_merged(to_builtins(known), wanted) | own, self.entry))

        made = convert(
            await gateway.documents.change(call.account_id, FACE, self.kind, name, changed),
            self.entry,
        )
        await self._carry(call, made)
        return Reply(made)

    async def remove(self, call: Call) -> Reply:
        """Removes an entry that no integration has, and that is not the default."""
        found = await self.get(call, call.path[self.parameter])
        if found.id == self.built_in.id:
            raise errors.bad(f"This {self.noun} is built in, and cannot be removed.", "constraint.validation")
        if found.id == (await self.default(call)).id:
            words = f"The {self.noun} is the default: choose another one before you remove it."
            raise errors.bad(words, "constraint.validation")
        if users := ", ".join(entry.channel.name for entry in self._users(call, found.id)):
            words = f"Integrations have the {self.noun}, and must be given another one first: {users}."
            raise errors.bad(words, "constraint.validation")
        await call.desk.gateway.documents.delete(call.account_id, FACE, self.kind, found.id)
        return Reply(status=204)

    async def choose(self, call: Call) -> Reply:
        """Makes an entry the one of integrations that name none. Those that are there keep theirs."""
        chosen = await self.get(call, call.body(self.choice).id)
        await call.desk.gateway.documents.put(call.account_id, FACE, self._chosen, _ME, {"id": chosen.id})
        return Reply(chosen)

    async def recall(self, call: Call) -> Reply:
        """Takes the choice back: the built-in one is the default again."""
        await call.desk.gateway.documents.delete(call.account_id, FACE, self._chosen, _ME)
        return Reply(status=204)

    # -- Integrations -------------------------------------------------------------------------------------------------

    def given(self, found: Any) -> dict[str, Any]:
        """The settings of an integration that has an entry."""
        return {self.member: found.id, **self.worth(found)}

    async def settle(self, call: Call, entry: ChannelEntry) -> None:
        """Gives an integration that was just made what its entry is worth now, which may have changed meanwhile."""
        try:
            found = await self.get(call, entry.channel.config[self.member])
        except (KeyError, errors.ApiError):
            return
        await self._give(call, entry, found)

    def _users(self, call: Call, identifier: str) -> list[ChannelEntry]:
        mine = [e for e in call.desk.gateway.channels.all() if e.channel.account_id == call.account_id]
        return [e for e in mine if e.channel.kind == KIND and e.channel.config.get(self.member) == identifier]

    async def _carry(self, call: Call, made: Any) -> None:
        """Gives an entry to all integrations that have it, until it is what is kept: others may change it meanwhile."""
        carried = None
        while carried != made:
            for entry in self._users(call, made.id):
                await self._give(call, entry, made)
            carried, made = made, await self.get(call, made.id)

    async def _give(self, call: Call, entry: ChannelEntry, found: Any) -> None:
        config = self.given(found)
        if any(entry.channel.config.get(name) != value for name, value in config.items()):
            await call.desk.gateway.channels.update(call.account_id, entry.channel.name, ChannelChange(config=config))

    # -- The table ----------------------------------------------------------------------------------------------------

    def operations(self) -> tuple[Operation, ...]:
        """Its operations."""
        one, default = f"{self.path}/{{{self.parameter}}}", f"{self.path}/default"
        noun, word = self.noun, self.word
        look: dict[str, Any] = {
            "tag": self.tag,
            "method": "GET",
            "scope": rights.MESSAGING_READ,
            "every": (f"{self.permission}:view",),
        }

        def does(name: str, right: str) -> dict[str, Any]:
            every = (f"{self.permission}:{right}",)
            return {"name": name, "tag": self.tag, "scope": rights.MESSAGING_WRITE, "every": every}

        made = (
            Operation(
                **does(f"post{word}", "add"),
                method="POST",
                path=self.path,
                handler=self.create,
                summary=f"Make a {noun}",
                body=self.request,
                answer=self.entry,
                example=self.examples["create"],
                errors=(400,),
            ),
            Operation(
                **look,
                name=f"get{word}s",
                path=self.path,
                handler=self.read_all,
                summary=f"List each {noun}",
                answer=self.listed,
                query=QUERY,
                errors=(400,),
            ),
            Operation(
                **look,
                name=f"getDefault{word}",
                path=default,
                handler=self.read_default,
                summary=f"The {noun} of integrations that name none",
                answer=self.entry,
            ),
            Operation(
                **does(f"putDefault{word}", "edit"),
                method="PUT",
                path=default,
                handler=self.choose,
                summary=f"Choose the {noun} of integrations that name none",
                body=self.choice,
                answer=self.entry,
                example=self.examples["choose"],
                errors=(400, 404),
            ),
            Operation(
                **look,
                name=f"get{word}",
                path=one,
                handler=self.read,
                summary=f"Read a {noun}",
                answer=self.entry,
                errors=(404,),
            ),
            Operation(
                **does(f"patch{word}", "edit"),
                method="PATCH",
                path=one,
                handler=self.alter,
                summary=f"Change a {noun} and all integrations that have it",
                body=self.change,
                answer=self.entry,
                example=self.examples["change"],
                errors=(400, 404, 409),
            ),
            Operation(
                **does(f"delete{word}", "delete"),
                method="DELETE",
                path=one,
                handler=self.remove,
                summary=f"Remove a {noun} that no integration has",
                status=204,
                errors=(400, 404),
            ),
        )
        back = Operation(
            **does(f"deleteDefault{word}", "edit"),
            method="DELETE",
            path=default,
            handler=self.recall,
            summary=f"Make the built-in {noun} that of integrations that name none",
            status=204,
        )
        return (*made, back) if self.recalled else made


def _merged(known: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """An object with the members that are given; objects within are merged likewise."""
    merged = dict(known)
    for name, value in given.items():
        old = known.get(name)
        merged[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
