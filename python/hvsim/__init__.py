"""Run virtualized machines on a cycle-approximate model, and look at the results as DataFrames.

>>> import hvsim
>>> results = hvsim.run("configs/quickstart.json")
>>> results.table()                     # one row per run
>>> results["target-dlh-8"].exits         # exits by cause: count, and cycles each

Each run is one worker process, so any number of runs fit into one session or notebook.
"""

from hvsim import plots
from hvsim._api import Progress, run, schema, validate
from hvsim._calibrate import Calibration, calibrate
from hvsim._calibration_guests import Guest as CalibrationGuest
from hvsim._calibration_guests import guests as calibration_guests
from hvsim._checkpoint import Checkpoint
from hvsim._comparison import Difference
from hvsim._core import version
from hvsim._crossing import Crossing, Crossings, break_even
from hvsim._errors import ConfigError, Error, RunError, SessionError
from hvsim._machine import Machine
from hvsim._report import report
from hvsim._result_sets import Results, Runs
from hvsim._results import Regions, Result, Walks
from hvsim._session import Session
from hvsim._session_stop import Bookmark, Breakpoint, Stop, Watchpoint
from hvsim._session_views import Hart, PteRead, Registers, Translation, Vcpu
from hvsim._session_vm import MemoryMap, Queue, Vm
from hvsim._stack import CpiStack
from hvsim._sweep import SweepProgress, sweep

__version__ = version()

__all__ = [
    "Bookmark",
    "Breakpoint",
    "Calibration",
    "CalibrationGuest",
    "Checkpoint",
    "ConfigError",
    "CpiStack",
    "Crossing",
    "Crossings",
    "Difference",
    "Error",
    "Hart",
    "Machine",
    "MemoryMap",
    "Progress",
    "PteRead",
    "Queue",
    "Regions",
    "Registers",
    "Result",
    "Results",
    "RunError",
    "Runs",
    "Session",
    "SessionError",
    "Stop",
    "SweepProgress",
    "Translation",
    "Vcpu",
    "Vm",
    "Walks",
    "Watchpoint",
    "break_even",
    "calibrate",
    "calibration_guests",
    "plots",
    "report",
    "run",
    "schema",
    "sweep",
    "validate",
]
