"""The example of the guide to adding a protocol, taken from its page: what a reader would type is what is tested."""

import atexit
import importlib
import re
import shutil
import sys
import tempfile
from functools import cache
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Final

from tests.conformance.subject import Subject

PAGE: Final = Path(__file__).parents[2] / "docs" / "adding-a-protocol.md"
#: A block of code that says which file it is.
_BLOCK: Final = re.compile(r"^```\{code-block\} \w+\n:caption: (\S+)\n\n?(.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """The files that the page shows, by their paths."""
    return dict(_BLOCK.findall(PAGE.read_text("utf-8")))


@cache
def folder() -> Path:
    """A folder with the files in it, as a reader would have them."""
    made = Path(tempfile.mkdtemp(prefix="tyrian-guide-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for path, text in files().items():
        place = made / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return made


def entry_points() -> list[EntryPoint]:
    """What installing the package would register, read from its pyproject.toml as an installer reads it."""
    import tomllib

    project = tomllib.loads(files()["pyproject.toml"])["project"]
    lines = [
        line
        for group, names in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in names.items()))
    ]
    info = folder() / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text("\n".join(lines))
    return list(Distribution.at(info).entry_points)


@cache
def subject() -> Subject:
    """The subject that the page writes."""
    found = module("pigeon_subject").SUBJECT
    assert isinstance(found, Subject)
    return found


def module(name: str):  # type: ignore[no-untyped-def]
    """One of the page's modules. The folder is on the path only meanwhile: other tests shall not see the package."""
    sys.path.insert(0, str(folder()))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder()))
