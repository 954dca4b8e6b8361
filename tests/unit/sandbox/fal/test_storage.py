from datetime import datetime

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.fal import KEY as FAL_SECRET
from modelgate.sandbox.fal import FalSandbox, storage

KEY = {"authorization": f"Key {FAL_SECRET}"}
INITIATE = "/fal/rest/storage/upload/initiate"


@pytest.fixture
def client() -> TestClient:
    sandbox = FalSandbox(counter=Counter(), clock=lambda: 1_790_000_000.0)
    return TestClient(Starlette(routes=list(sandbox.routes())), base_url="http://sandbox:81")


def test_an_upload_with_a_token(client: TestClient) -> None:
    token = client.post("/fal/rest/storage/auth/token?storage_type=fal-cdn-v3", json={}, headers=KEY).json()
    assert datetime.fromisoformat(token["expires_at"]).timestamp() == 1_790_000_600
    headers = {"authorization": f"{token['token_type']} {token['token']}", "content-type": "image/png", "x-fal-file-name": "a.png"}
    url = client.post(f"{token['base_url']}/files/upload", content=b"picture", headers=headers).json()["access_url"]
    kept = client.get(url)
    assert (kept.content, kept.headers["content-type"], url.endswith(".png")) == (b"picture", "image/png", True)
    assert client.post("/fal/cdn/files/upload", content=b"picture", headers=KEY).status_code == 401


def test_an_upload_to_a_named_place(client: TestClient) -> None:
    place = client.post(INITIATE, json={"file_name": "a.txt", "content_type": "text/plain"}, headers=KEY).json()
    assert client.get(place["file_url"]).status_code == 404
    assert client.put(place["upload_url"], content=b"words").status_code == 200
    assert client.get(place["file_url"]).content == b"words"
    assert client.put(place["upload_url"], content=b"others").status_code == 403


def test_what_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.post(INITIATE, json={"file_name": "a"}).status_code == 401
    assert client.post(INITIATE, json=["a"], headers=KEY).status_code == 422
    monkeypatch.setattr(storage, "MAX_FILE_BYTES", 10)
    assert client.post(INITIATE, json={"file_name": "a"}, headers=KEY).status_code == 413


def test_the_oldest_make_room(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MAX_KEPT_BYTES", 10)
    urls = []
    for _ in range(2):
        place = client.post(INITIATE, json={"file_name": "a", "content_type": "text/plain"}, headers=KEY).json()
        client.put(place["upload_url"], content=b"1234567")
        urls.append(place["file_url"])
    assert [client.get(url).status_code for url in urls] == [404, 200]
