import msgspec

from modelgate.providers.luma.schema import DEFAULT_RESOLUTION, RESOLUTIONS, Assets, Generation, Refused


def test_the_default_is_one_of_those_there_are() -> None:
    assert DEFAULT_RESOLUTION in RESOLUTIONS


def test_answers_hold_more_than_is_read_and_less_than_there_may_be() -> None:
    made = msgspec.json.decode(
        b'{"id":"1","state":"completed","assets":{"video":"https://a","image":null,"more":1},"more":[]}', type=Generation
    )
    assert made == Generation(id="1", state="completed", assets=Assets(video="https://a"))
    assert msgspec.json.decode(b'{"id":"1"}', type=Generation).assets is None
    assert msgspec.json.decode(b"{}", type=Refused).detail is None
