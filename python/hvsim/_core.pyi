"""The simulator's own code for configs, without the simulation (python/src/core.cpp)."""

from __future__ import annotations

import collections.abc

def checkpoint_facts(file: str) -> str:
    """What a checkpoint says of itself, as JSON text; its config is that of a run which goes on from it."""

def expand_file(
    path: str,
    settings: collections.abc.Sequence[str],
    images: collections.abc.Sequence[str],
    only: collections.abc.Sequence[str],
) -> list[tuple[str, str, str]]:
    """The runs of a config file: (name, name of its directory, complete config as JSON text).

    Settings are ``path=value``; `images` are directories where images without a path are looked for; `only`
    are names of runs, of which nothing is left away if it is empty.
    """

def expand_text(
    text: str,
    directory: str,
    settings: collections.abc.Sequence[str],
    images: collections.abc.Sequence[str],
    only: collections.abc.Sequence[str],
) -> list[tuple[str, str, str]]:
    """As expand_file, of JSON text whose relative paths start at a directory."""

def known_hashes() -> str:
    """What this process has hashed, as JSON text, for a simulator on this host to begin with."""

def schema() -> str:
    """The JSON Schema of configs, as JSON text."""

def version() -> str:
    """Version of the simulator."""
