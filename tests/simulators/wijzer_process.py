"""`wijzer run` as its users run it: a process of its own, on a free port, with an empty database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

START_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class WijzerProcess:
    """Starts at construction; `wait_until_up`, then `stop`."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{directory / 'wijzer.db'}",
            "DATA_KEY_FILE": str(directory / "data.key"),
            **environment,
        }
        self.output = directory / "output.txt"
        self._stream = self.output.open("w")
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("wijzer")), "run"],
            env=self.environment,
            stdout=self._stream,
            stderr=subprocess.STDOUT,
        )

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"wijzer run ended: {self.output.read_text()}")
            try:
                with urllib.request.urlopen(f"{self.base_url}/health", timeout=2) as response:
                    if response.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline:
                    raise AssertionError(f"not up in time: {self.output.read_text()}") from None
            time.sleep(0.2)

    def printed(self) -> str:
        return self.output.read_text()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=30)
        finally:
            self._stream.close()
