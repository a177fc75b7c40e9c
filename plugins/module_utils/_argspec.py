# Copyright (c) onefed contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Options that several modules share; each has its documentation in the fragment of the same name."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback

FRONTEND: dict[str, Any] = {
    "oned_location": {"type": "path"},
    "oned_user": {"type": "str"},
    "oned_group": {"type": "str"},
    "oned_service": {"type": "str", "default": "opennebula"},
}

LOGIN: dict[str, Any] = {
    "login_host": {"type": "str"},
    "login_port": {"type": "int"},
    "login_unix_socket": {"type": "path"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
}

API: dict[str, Any] = {
    "api_url": {"type": "str", "fallback": (env_fallback, ["ONE_URL"])},
    "api_username": {"type": "str", "fallback": (env_fallback, ["ONE_USERNAME"])},
    "api_password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["ONE_PASSWORD"])},
    "api_timeout": {"type": "float", "default": 10.0},
    "api_answer_limit": {"type": "int", "default": 256},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
}
