# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tools that get an environment of their own below .cache, as their versions are not ours to choose."""

from __future__ import annotations

from pathlib import Path

from tests.tools import make_venv

ROOT = Path(__file__).resolve().parents[2]


def install(requirements: Path, place: Path) -> Path:
    """The folder of the programs that `requirements` name: installed once below `place`, and again when they change."""
    made_from = place / "made-from"
    wanted = requirements.read_text(encoding="utf-8")
    if not made_from.is_file() or made_from.read_text(encoding="utf-8") != wanted:
        print(f"== {requirements.relative_to(ROOT)} comes into {place.relative_to(ROOT)}, once", flush=True)
        place.mkdir(parents=True, exist_ok=True)
        make_venv.make(make_venv.choose(), place / "venv", ["-r", str(requirements)])
        made_from.write_text(wanted, encoding="utf-8")
    return place / "venv" / "bin"
