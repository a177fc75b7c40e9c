# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The documentation site, see `make docs`."""

from pathlib import Path

import yaml

_COLLECTION = yaml.safe_load((Path(__file__).parent.parent / "galaxy.yml").read_text(encoding="utf-8"))

project = "onefed.opennebula"
author = "onefed contributors"
copyright = author
release = version = _COLLECTION["version"]
language = "en"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
# problems.md names its subjects in a list of links of its own.
myst_heading_anchors = 3
exclude_patterns = ["requirements.txt"]

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"{project} {release}"
# Options are shown as they are typed: of --limit no dash is made.
smartquotes_action = "qe"
pygments_style = "ansible"
# Nothing is asked of other sites while a page is built or read.
html_copy_source = False
html_show_sphinx = False
