"""After a failure of Redis nobody waits for it for a while; nothing that is needed is there."""

from __future__ import annotations

import threading
import time

REST_S = 10.0


class Breaker:
    """A hung broker costs one time-out, not each caller one."""

    def __init__(self) -> None:
        self.open_until = 0.0
        self.lock = threading.Lock()

    def lets_through(self) -> bool:
        """After a failure one tries again, and the others go by what he finds."""
        with self.lock:
            now = time.monotonic()
            if now < self.open_until:
                return False
            if self.open_until:
                self.open_until = now + REST_S
            return True

    def broke(self) -> None:
        self.open_until = time.monotonic() + REST_S

    def works(self) -> None:
        self.open_until = 0.0


# Of this process: doorbells and live hints go to the same server.
to_redis = Breaker()
