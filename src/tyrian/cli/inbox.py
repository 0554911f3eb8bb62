"""`tyrian inbox`, `tyrian agents` and `tyrian queues`: who wrote, who answers, and answering from a terminal."""

from typing import Annotated

import typer

from tyrian.cli import options

group = typer.Typer(no_args_is_help=True, help="Conversations: see who waits, answer, hand on, follow what happens.")
agents = typer.Typer(no_args_is_help=True, help="The agents who answer people.")
queues = typer.Typer(no_args_is_help=True, help="The queues that conversations wait in.")

Which = Annotated[
    str,
    typer.Argument(
        metavar="CONVERSATION",
        help="The conversation's id, or the person's address if only one conversation with them is not closed.",
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="AGENT", help="The agent who does it; the key itself unless given.", show_default=False
    ),
]
ToQueue = Annotated[str | None, typer.Option("--queue", help="The queue, by name or id.", show_default=False)]
ToAgent = Annotated[str | None, typer.Option("--agent", help="The agent, by name or id.", show_default=False)]


# -- Looking ----------------------------------------------------------------------------------------------------------


@group.command("list")
def list_conversations(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait in a queue for an agent.")] = False,
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only those: open, transferred or closed.", show_default=False),
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", help="Only those of a queue.", show_default=False)] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Only those of an agent.", show_default=False)] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", "-c", help="Only those on a channel.", show_default=False)
    ] = None,
    person: Annotated[
        str | None, typer.Option("--person", help="Only those with a person, by address.", show_default=False)
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="Only those in which these words were said.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")] = 20,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """List conversations, the last updated first, and who has each."""
    from tyrian.cli import inbox_work as work

    wanted = {"state": state, "queue": queue, "agent": agent, "channel": channel, "person": person, "text": text}
    work.list_conversations(url, key, {**wanted, "waiting": "true" if waiting else None, "limit": limit}, as_json)


@group.command("show")
def show(
    conversation: Which,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="The last so many lines.")] = 50,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Show a conversation: who takes part, and its thread."""
    from tyrian.cli import inbox_work as work

    work.show(url, key, conversation, limit, as_json=as_json)


@group.command("watch")
def watch(
    conversation: Annotated[
        str | None,
        typer.Argument(metavar="[CONVERSATION]", help="Only this conversation, by its id.", show_default=False),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option("--after", metavar="NUMBER", help="Begin after this event instead of now.", show_default=False),
    ] = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Follow what happens in the inbox, until Ctrl-C. Where the connection is lost, it goes on where it was."""
    from tyrian.cli import inbox_stream as stream
    from tyrian.cli.client import run

    run(stream.watch(url, key, conversation, after, as_json=as_json))


# -- Answering --------------------------------------------------------------------------------------------------------


@group.command("reply")
def reply(
    conversation: Which,
    text: Annotated[str | None, typer.Argument(help="What to say.", show_default=False)] = None,
    content: options.Content = None,
    purpose: Annotated[
        str, typer.Option("--purpose", "-p", help="session, or another by whose rules it may go out.")
    ] = "session",
    by: By = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Say something to the person. An agent who is alerted accepts the conversation by that."""
    from tyrian.cli import inbox_work as work
    from tyrian.cli.plans import Wanted, content_of

    said = {"content": content_of(Wanted(text=text, content=content)), "purpose": purpose}
    work.say(url, key, conversation, "messages", {**said, "by": by}, as_json=as_json)


@group.command("note")
def note(
    conversation: Which,
    text: Annotated[str, typer.Argument(help="What to note.")],
    by: By = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Add a note, which the person does not see."""
    from tyrian.cli import inbox_work as work

    work.say(url, key, conversation, "notes", {"text": text, "by": by}, as_json=as_json)


@group.command("assign")
def assign(
    conversation: Which,
    queue: ToQueue = None,
    agent: ToAgent = None,
    by: By = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Put a conversation into a queue, or before an agent."""
    from tyrian.cli import inbox_work as work

    work.move(url, key, conversation, "assign", {"queue": queue, "agent": agent, "by": by}, as_json=as_json)


@group.command("transfer")
def transfer(
    conversation: Which,
    queue: ToQueue = None,
    agent: ToAgent = None,
    channel: Annotated[
        str | None,
        typer.Option("--channel", "-c", help="The channel on which it goes on with the person.", show_default=False),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", help="With `--channel`: what the person is called there.", show_default=False),
    ] = None,
    external: Annotated[
        str | None,
        typer.Option("--external", help="Somebody outside, told by the account's handover URL.", show_default=False),
    ] = None,
    words: Annotated[str | None, typer.Option("--note", help="A note for whoever gets it.", show_default=False)] = None,
    attended: Annotated[
        bool, typer.Option("--attended", help="The present agent stays until the other accepts.")
    ] = False,
    by: By = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Hand a conversation on: to exactly one queue, agent, channel, or somebody outside."""
    from tyrian.cli import inbox_work as work

    target = {"queue": queue, "agent": agent, "channel": channel, "address": address, "external": external}
    body = {**target, "note": words, "attended": attended or None, "by": by}
    work.move(url, key, conversation, "transfer", body, as_json=as_json)


@group.command("close")
def close(
    conversation: Which,
    wrapup: Annotated[
        str | None, typer.Option("--wrapup", help="What is to be remembered of it.", show_default=False)
    ] = None,
    by: By = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """End a conversation. It goes on when the person writes again soon."""
    from tyrian.cli import inbox_work as work

    work.move(url, key, conversation, "close", {"wrapup": wrapup, "by": by}, as_json=as_json)


@group.command("reopen")
def reopen(
    conversation: Annotated[str, typer.Argument(metavar="CONVERSATION", help="The conversation's id.")],
    by: By = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Open a conversation that was closed."""
    from tyrian.cli import inbox_work as work

    work.move(url, key, conversation, "reopen", {"by": by}, as_json=as_json)


# -- Who answers ------------------------------------------------------------------------------------------------------


@agents.command("list")
def list_agents(
    as_json: options.AsJson = False, url: options.Url = options.DEFAULT_URL, key: options.Key = None
) -> None:
    """List agents: whether they take conversations, and how many they have."""
    from tyrian.cli import inbox_work as work

    work.list_agents(url, key, as_json=as_json)


@agents.command("set")
def set_agent(
    name: Annotated[str, typer.Argument(metavar="AGENT", help="The agent, by name or id.")],
    state: Annotated[str, typer.Argument(metavar="STATE", help="available, away or offline.")],
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Say whether an agent takes conversations."""
    from tyrian.cli import inbox_work as work

    work.set_agent(url, key, name, state, as_json=as_json)


@queues.command("list")
def list_queues(
    as_json: options.AsJson = False, url: options.Url = options.DEFAULT_URL, key: options.Key = None
) -> None:
    """List queues, and how many conversations wait in each."""
    from tyrian.cli import inbox_work as work

    work.list_queues(url, key, as_json=as_json)
