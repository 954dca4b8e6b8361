"""The first owner of an installation, who speaks with the account API."""

import json
from typing import Any

from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import send

EMAIL = "ada@example.com"
PASSWORD = "a long sentence of my own"


class Owner:
    """Signed in; `session` is the cookie."""

    def __init__(self, installation: Installation) -> None:
        self.base_url = installation.base_url
        token = installation.json("members", "setup-link")["setup_url"].partition("#token=")[2]
        person = {"token": token, "email": EMAIL, "name": "Ada", "password": PASSWORD}
        answer = send(f"{self.base_url}/api/setup", body=person, method="POST", headers={"origin": self.base_url})
        assert answer.status == 201, answer.content
        self.session = str(answer.headers["set-cookie"]).partition(";")[0]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the account API answers; anything but success fails."""
        headers = {"cookie": self.session, "origin": self.base_url}
        answer = send(self.base_url + path, body=body, method=method, headers=headers)
        assert answer.status < 300, answer.content
        return json.loads(answer.content)
