"""The stock Python client of Genesys Cloud, imported when a test first uses it.

That takes four seconds and 200 MB, and every process of a run collects the tests of all.
"""

from importlib import import_module
from typing import Any, Final


class _Late:
    """A module by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


sdk: Final[Any] = _Late("PureCloudPlatformClientV2")
