"""CPI stacks: where cycles went, by whatever one wants to see beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class CpiStack:
    """Cycles by component (columns) and by the keys that were asked for (rows).

    Attributes:
        frame: The cycles; all of them add up to those of all harts.
    """

    frame: pd.DataFrame

    @property
    def shares(self) -> pd.DataFrame:
        """The same as parts of all cycles, which add up to 1."""
        parts: pd.DataFrame = self.frame / float(self.frame.to_numpy().sum())
        parts.attrs["units"] = dict.fromkeys(parts.columns, "ratio")
        return parts

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Stacked bars, one per row; `hvsim.plots.cpi_stack` tells the options."""
        from hvsim import plots

        return plots.cpi_stack(self, ax=ax, **options)

    def _repr_html_(self) -> str:
        return self.frame.to_html()


def row_name(key: Any) -> str:
    """Of a row of a stack, for people."""
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join("guest and trap entry" if part == "none" else str(part) for part in parts)


def stack(cpi: pd.DataFrame, by: Sequence[str], *, idle: bool) -> CpiStack:
    """Of a result's cells; components that took no cycle are left out, and so are idle cycles on request."""
    known = ("hart", "vm", "vcpu", "mode", "cause", "phase")
    for key in by:
        if key not in known:
            raise ValueError(f"by: {key!r}: expected some of {', '.join(known)}")
    components = [name for name in cpi.columns if name not in known and (idle or name != "idle")]
    frame = cpi.groupby(list(by), sort=False)[components].sum() if by else cpi[components].sum().to_frame().T
    frame = frame.loc[frame.sum(axis=1) > 0, frame.sum() > 0]
    frame.attrs["units"] = dict.fromkeys(frame.columns, "cycles")
    return CpiStack(frame)
