"""Checkpoints: whole runs in files, from which other processes go on as if nothing had happened."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hvsim import _core
from hvsim._frozen import freeze


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says of itself.

    Attributes:
        file: Where it is.
        cycles: Of the hart that had run longest.
        instructions: Retired by all harts together.
        identity: Hash of the run that it is of: its config, its images and the simulator's version.
        simulator: Version of the one that wrote it.
        debugged: Whether somebody had changed registers or memory, so that it is not what its config alone
            comes to.
        config: With every key, of a run that goes on from it.
    """

    file: Path
    cycles: int
    instructions: int
    identity: str
    simulator: str
    debugged: bool
    config: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, file: str | os.PathLike[str]) -> Checkpoint:
        """What a file says of itself; all of it is looked at when it is restored.

        Raises:
            ConfigError: It is no checkpoint, is damaged, or is of another version.
        """
        path = Path(file).absolute()
        facts: dict[str, Any] = json.loads(_core.checkpoint_facts(str(path)))
        return cls(file=path, config=freeze(facts.pop("config")), **facts)
