from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.openai.picture_files import URL_LIFE_S, PictureFiles


def test_pictures_are_served_for_an_hour() -> None:
    times = [100.0]
    files = PictureFiles(clock=lambda: times[0])
    url = files.keep(b"png", base_url="http://testserver/")
    client = TestClient(Starlette(routes=list(files.routes())))
    assert (client.get(url).content, client.get(url).headers["content-type"]) == (b"png", "image/png")
    assert client.get("http://testserver/openai/files/other.png").status_code == 404
    times[0] += URL_LIFE_S
    assert client.get(url).status_code == 404


def test_the_oldest_make_room_but_the_youngest_stays() -> None:
    files = PictureFiles(clock=lambda: 0.0, limit_bytes=10)
    client = TestClient(Starlette(routes=list(files.routes())))
    urls = [files.keep(bytes(size), base_url="http://testserver/") for size in (6, 4, 5, 50)]
    assert [client.get(url).status_code for url in urls] == [404, 404, 404, 200]
    urls = [files.keep(bytes(size), base_url="http://testserver/") for size in (6, 4)]
    assert [client.get(url).status_code for url in urls] == [200, 200]
