"""The tables of the manual's pages about this API, made from the code that they describe.

`python -m tyrian.protocols.native.manual docs/reference` writes them anew between the pages' markers.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from tyrian.domain.reasons import REASONS
from tyrian.engine.keys import SCOPES
from tyrian.protocols.native.errors import KINDS
from tyrian.protocols.native.operation import Operation
from tyrian.protocols.native.operations import OPERATIONS

PAGES: Final = ("api.md", "errors.md")
_BLOCK: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _operations() -> str:
    tags = dict.fromkeys(operation.tag for operation in OPERATIONS)
    return "\n".join(_of_tag(tag) for tag in tags)


def _of_tag(tag: str) -> str:
    rows = [_operation(operation) for operation in OPERATIONS if operation.tag == tag]
    return f"### {tag}\n\n{_table(('operation', 'what it does', 'scope'), rows)}"


def _operation(operation: Operation) -> tuple[str, str, str]:
    scope = f"`{operation.scope}`" if operation.scope else "any"
    return f"`{operation.method} {operation.path}`", f"{operation.summary}.", scope


def _scopes() -> str:
    return _table(("scope", "what it allows"), [(f"`{name}`", text) for name, text in SCOPES.items()])


def _problems() -> str:
    rows = [(f"`{kind.name}`", str(kind.status), kind.title, kind.help) for kind in KINDS.values()]
    return _table(("kind", "status", "what it means", "what to do"), rows)


def _reasons() -> str:
    return _table(("reason", "what it means"), [(f"`{word}`", text) for word, text in REASONS.items()])


TABLES: Final[dict[str, Callable[[], str]]] = {
    "operations": _operations,
    "scopes": _scopes,
    "problems": _problems,
    "reasons": _reasons,
}


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(heading)
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def filled(page: str) -> str:
    """A page with each of its tables made anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", page)


def write(folder: Path) -> None:
    """Makes the tables of the pages in a folder anew."""
    for name in PAGES:
        path = folder / name
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
