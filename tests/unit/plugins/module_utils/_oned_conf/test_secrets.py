# Copyright (c) onefed contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff shows of an oned.conf holds no secret, in comments either."""

from __future__ import annotations

import pytest

from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.document import Document
from ansible_collections.onefed.opennebula.plugins.module_utils._oned_conf.secrets import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# PASSWD=p,rest\n", '# PASSWD="********"\n'),
        ("# DB = [ PASSWD=p,rest, PORT = 0 ]\n", '# DB = [ PASSWD="********", PORT = 0 ]\n'),
        ("# DB = [ PORT = 0, PASSWD = p]rest#more ]\n", '# DB = [ PORT = 0, PASSWD = "********"\n'),
        ('# PASSWD = "p\\"rest", PORT = 0\n', '# PASSWD = "********", PORT = 0\n'),
        ('# PASSWD = "p rest\n', '# PASSWD = "********"\n'),
        ("# passwd = p rest\nPORT = 2633\n", '# passwd = "********"\nPORT = 2633\n'),
        ("# PASSWD =\nPORT = 2633\n", "# PASSWD =\nPORT = 2633\n"),
        ("DB = [ PASSWD = p ] # PASSWD = q,r\n", 'DB = [ PASSWD = "********" ] # PASSWD = "********"\n'),
    ],
)
def test_a_former_password_is_masked_whole(text: str, shown: str) -> None:
    assert masked(Document.parse(text)) == shown
