"""Forms as OpenAI takes them, and its words for what is wrong with one."""

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox import forms
from modelgate.sandbox.forms import Form, NotAForm, Upload
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import wrong_type
from modelgate.sandbox.openai.gate import Sent, read_json


def read_form(sent: Sent) -> Form:
    """Return the fields of a form. Raises Refused."""
    try:
        return forms.read_form(sent.data, content_type=sent.content_type)
    except NotAForm as error:
        raise Refused(error.message, param=error.field) from None


def read_form_or_json(sent: Sent) -> Json:
    """Return a form's fields, or else the JSON. Raises Refused."""
    return read_form(sent) if sent.content_type.lower().startswith("multipart/") else read_json(sent)


def as_typed(form: Form, *, numbers: tuple[str, ...] = (), switches: tuple[str, ...] = ()) -> Form:
    """Return a form whose numbers and booleans, which arrive as text, are such. Raises Refused."""
    typed = dict(form)
    for name in numbers:
        if form.get(name) is not None:
            typed[name] = _number(name, form[name])
    for name in switches:
        if form.get(name) is not None:
            if form[name] not in ("true", "false"):
                raise wrong_type(name, wanted="a boolean", value=form[name])
            typed[name] = form[name] == "true"
    return typed


def uploads_of(form: Form, name: str) -> list[Upload]:
    """Return the files of a field, one or many. Raises Refused for a text in their place."""
    given = form.get(name)
    files = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(each, Upload) for each in files):
        raise Refused(
            f"Invalid type for '{name}': expected a file, but got a string instead. A file's part has a filename.",
            param=name,
            code="invalid_type",
        )
    return files


def texts_of(form: Form, name: str) -> list[str]:
    """Return the texts of a field that may be repeated. Raises Refused."""
    given = form.get(name)
    texts = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(each, str) for each in texts):
        raise wrong_type(name, wanted="an array of strings", value=given)
    return texts


def _number(name: str, text: Json) -> int | float:
    try:
        value: Json = msgspec.json.decode(text) if isinstance(text, str) else None
    except msgspec.DecodeError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, wanted="a number", value=text)
    return value
