"""A planner's page on the live stream: what it hears while the plant is under fire."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.parse

SILENT_S = 12.0  # after this a page says that it has no connection


class Watcher:
    """Keeps a stream open as a page does, and connects again when it breaks."""

    def __init__(self, stream_url: str, session: str) -> None:
        parts = urllib.parse.urlsplit(stream_url)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self.cookie = f"sessionid={session}"
        self.version = 0
        self.went_back = self.connects = 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def stop(self) -> None:
        self.ending.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.ending.is_set():
            connection = http.client.HTTPConnection(self.host, self.port, timeout=SILENT_S)
            try:
                path = f"/live?site=NF&since={self.version}"
                connection.request("GET", path, headers={"Cookie": self.cookie})
                response = connection.getresponse()
                if response.status == 200:
                    self.connects += 1
                    self._read(response)
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.2)

    def _read(self, response: http.client.HTTPResponse) -> None:
        while not self.ending.is_set():
            line = response.readline()
            if not line:
                return
            if not line.startswith(b"data: "):
                continue
            version = json.loads(line[6:]).get("version")
            if version is not None:
                self.went_back += version < self.version
                self.version = max(self.version, version)
