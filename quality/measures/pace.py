"""When something that is done now and then during a pass is due."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class Pace:
    """When something that is done every ``every_s`` seconds of the recording is due."""

    every_s: float
    due_s: float = -math.inf

    def is_due(self, at_s: float) -> bool:
        """Whether it is, at a picture's time; if so, it next will be after ``every_s``."""
        if at_s < self.due_s:
            return False
        self.due_s = max(self.due_s + self.every_s, at_s + self.every_s / 2)
        return True

    def put_off(self, by_s: float) -> None:
        """The next time comes so much later."""
        self.due_s += by_s
