"""What is published of Pika's bodies."""

import msgspec

from modelgate.formats.pika import schema


def test_the_published_schema_states_the_bounds_that_are_checked() -> None:
    _, components = msgspec.json.schema_components([schema.GenerateBody])
    assert set(components["GenerateBody"]["properties"]) == {"promptText", "model", "image", "video", "pikaffect", "options"}
    assert set(components["Options"]["properties"]) == {
        "aspectRatio",
        "frameRate",
        "camera",
        "parameters",
        "extend",
        "duration",
        "resolution",
    }
    assert set(components["Parameters"]["properties"]) == {"guidanceScale", "motion", "negativePrompt", "seed"}
    ratio = components["Options"]["properties"]["aspectRatio"]
    assert (ratio["minimum"], ratio["maximum"]) == (schema.LOWEST_RATIO, schema.HIGHEST_RATIO)


def test_the_defaults_that_are_published_are_those_of_a_body_that_says_nothing() -> None:
    body = msgspec.convert({}, schema.GenerateBody)
    assert (body.model, body.options.duration, body.options.resolution) == (schema.DEFAULT_VERSION, schema.DEFAULT_SECONDS, "720p")
