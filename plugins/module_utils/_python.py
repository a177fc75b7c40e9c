# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Refuses a Python that is too old, in one line, before all that such a Python cannot even read.

module_utils/__init__.py cannot: ansible-core sends an empty one in its place. So what modules import first does.
"""

from __future__ import annotations

import json
import sys

OLDEST = (3, 9)


def refuse_old() -> None:
    """End a module on a Python that is too old, with the result that Ansible expects."""
    if sys.version_info < OLDEST:
        # As ansible-core does, whose 2.19 takes 3.8. An exception's text would be lost where failed_when is false.
        message = "onefed.opennebula requires Python {} or newer on front-ends. Current version: {}".format(
            *(".".join(map(str, numbers)) for numbers in (OLDEST, sys.version_info[:3]))
        )
        print(json.dumps({"failed": True, "msg": message}))  # pylint: disable=ansible-bad-function
        sys.exit(1)  # pylint: disable=ansible-bad-function
