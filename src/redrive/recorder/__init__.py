"""Nothing that failed is lost: every ending goes to SQL, else to the spill, else it is said loudly.

``Recorder.record(ending)`` is the one way in. The spill is a local append-only file that any keeper on the machine
drains into SQL, exactly once; or, by setting, a Redis list for the whole fleet with that file behind it.
"""

from redrive.recorder.recorder import Recorder
from redrive.recorder.spill import FileSpill, SpillFailed, SpillState

__all__ = ["FileSpill", "Recorder", "SpillFailed", "SpillState"]
