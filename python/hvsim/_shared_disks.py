"""Disks that one run of a sweep changes and another one uses: each would find what the others have left."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from hvsim._space import RefusedError
from hvsim._worker import Task


def refuse_shared_disks(tasks: Sequence[Task]) -> None:
    """Look through the runs of a sweep, each of them once.

    Raises:
        RefusedError: A file that a run changes is the disk of another one, too.
    """
    if not any('"read_write"' in task.config for task in tasks):
        return
    users: dict[str, set[str]] = {}
    changed: dict[str, str] = {}
    for task in tasks:
        for index, disk in enumerate(json.loads(task.config)["machine"]["devices"]["block"]):
            file = os.path.realpath(disk["file"])
            users.setdefault(file, set()).add(task.identity)
            if disk["access"] == "read_write":
                changed.setdefault(file, f"machine.devices.block[{index}].access")
    for file, path in changed.items():
        if len(users[file]) > 1:
            expected = (
                f'"overlay" or "read_only": {len(users[file])} runs would use {file}, which some change'
            )
            raise RefusedError(path, "read_write", expected)
