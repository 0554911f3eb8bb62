"""How the documentation site is built. `make docs` turns warnings into errors, so no link or page rots unseen."""

from importlib.metadata import version as version_of

project = "Tyrian"
author = "The Tyrian authors"
copyright = f"The {project} authors"
release = version_of("tyrian")
version = release

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "Tyrian"
html_copy_source = False
html_show_sphinx = False
