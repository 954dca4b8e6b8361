from modelgate.providers.kling.schema import FIRST_MODELS, LENGTHS, LONG_LENGTHS, MODELS, MODES


def test_every_model_makes_something_and_takes_a_last_frame_where_it_makes_videos_of_one() -> None:
    assert set(FIRST_MODELS) <= MODELS.keys()
    for name, able in MODELS.items():
        assert able.image, name
        assert {*able.text, *able.image, *able.tail} <= set(MODES), name
        assert set(able.tail) <= set(able.image), name
        assert able.lengths in (LENGTHS, LONG_LENGTHS), name
        assert set(able.tail_lengths) <= set(able.lengths), name
