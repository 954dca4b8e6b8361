"""A whole Modelgate, as a stranger would start it: `modelgate serve` on a free port with an empty data directory."""

import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

START_S = 120.0
"""A server that has not printed what is waited for by then is killed: a test fails, and does not hang."""
PATIENCE_S = 120.0
"""How long a command, or the end of a server, may take where much else runs."""
NOT_NOW = 503


class RunningInstallation:
    """A running server and the operator's command line beside it."""

    def __init__(self, data: Path, *flags: str, environment: dict[str, str], python: str = sys.executable) -> None:
        """`python` is the interpreter that Modelgate is installed for; `environment` must hold nothing that configures it."""
        self.data = data
        self.python = python
        self.environment = {**environment, "MODELGATE_DATA": str(data), "MODELGATE_LOG_LEVEL": "warning"}
        self.log = (data.parent / f"{data.name}.log").open("w+")
        command = [python, "-m", "modelgate", "serve", "--port", "0", *flags]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        late = threading.Timer(START_S, self.process.kill)
        late.start()
        try:
            self.base_url = self._read_base_url()
            self.test_key = self._read_printed(r"sk-test-\w+")
            self.console_url = self._read_printed(r"^Console +(\S+)")
        finally:
            late.cancel()
        self._wait_until_known(self.test_key)

    def _read_base_url(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("ready "):
                return line.split()[1]
        raise AssertionError(f"it did not start: {Path(self.log.name).read_text()}")

    def _read_printed(self, pattern: str) -> str:
        """Return what the first line that matches says: the pattern's last group, or all of it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.search(pattern, line)
            if found:
                return found[found.lastindex or 0]
        raise AssertionError(f"nothing like {pattern} was printed")

    def run(self, *arguments: str, typed: str = "", fails: bool = False) -> str:
        """Run `modelgate …`; return what it prints."""
        command = [self.python, "-m", "modelgate", *arguments]
        done = subprocess.run(command, env=self.environment, input=typed, capture_output=True, text=True, timeout=PATIENCE_S)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    def json(self, *arguments: str, typed: str = "") -> Any:
        return json.loads(self.run(*arguments, "--json", typed=typed))

    def key(self, *flags: str) -> str:
        """Make a key that the relay knows; return its secret."""
        secret = str(self.json("keys", "create", "--name", "k", *flags)["secret"])
        self._wait_until_known(secret)
        return secret

    def _wait_until_known(self, key: str) -> None:
        """Let the relay hear of a key. It gives the book a second for it and says 503, which is not always enough on a busy machine."""
        request = urllib.request.Request(f"{self.base_url}/v1/models", headers={"Authorization": f"Bearer {key}"})
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            try:
                urllib.request.urlopen(request, timeout=PATIENCE_S).close()
                return
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != NOT_NOW:
                        return
            time.sleep(0.05)

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        self.log.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code
