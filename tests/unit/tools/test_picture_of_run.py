# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a run shows the run, and nothing of the machine on which it was drawn."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from tests.tools import picture_of_run

PRINTED = """\x1b[1m== Three front-ends\x1b[0m
\x1b[1m== ansible-playbook -i inventories/demo playbooks/federate.yml\x1b[0m
09:38:35  Step 1
  ~ MODE STANDALONE -> MASTER
09:38:46    madrid: changed, 4.7 s
paris joined. Backups: /srv/checkout/.demo/paris-1/var on paris-1.

\x1b[1m== A new user at the master arrives in every zone\x1b[0m
ID: 102
"""


def test_the_run_alone_is_shown() -> None:
    assert picture_of_run.lines_of_run(PRINTED, Path("/srv/checkout")) == [
        "$ ansible-playbook -i inventories/demo playbooks/federate.yml",
        "09:38:35  Step 1",
        "  ~ MODE STANDALONE -> MASTER",
        "09:38:46    madrid: changed, 4.7 s",
        "paris joined. Backups: .demo/paris-1/var on paris-1.",
    ]


def test_every_line_is_drawn_as_what_it_is() -> None:
    root = ElementTree.fromstring(picture_of_run.draw(picture_of_run.lines_of_run(PRINTED, Path("/srv/checkout"))))
    drawn = [(text.get("class"), text.text) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [kind for kind, _text in drawn] == ["heading", "heading", "planned", "changed", "plain"]
    assert drawn[2][1] == "  ~ MODE STANDALONE -> MASTER"


def test_the_picture_in_the_pages_names_no_place_of_a_machine() -> None:
    kept = picture_of_run.PICTURE.read_text(encoding="utf-8")
    assert "$ ansible-playbook" in kept and "The federation is healthy" in kept
    assert re.findall(r"(?<![\w:./<])/\w+/\S+", kept) == []
