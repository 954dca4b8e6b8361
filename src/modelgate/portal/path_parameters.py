"""What the parameters in paths mean. Their names mean the same everywhere, but for the exceptions."""

from collections.abc import Mapping

_BY_NAME: Mapping[str, str] = {
    "account": "Id of the account.",
    "action": "`MUSIC` or `LYRICS`, in any case of letters.",
    "delivery_id": "Id of the delivery, out of the list of the task's deliveries.",
    "file": "Name of the file, as it stands in the signed address.",
    "group": "Name of the group.",
    "invitation": "Id of the invitation.",
    "key": "Id of the key, not its secret.",
    "key_id": "Number of the key, out of the list of keys; its id (`key_…`) does as well.",
    "member": "Id of the member.",
    "model": "Name of the model, as the list of models has it; `/` and `:` may stand in it.",
    "name": "Name of the setting.",
    "request_id": "Id of the request, as the header `x-request-id` of its answer has it.",
    "response_id": "`id` of the response.",
    "task": "Id of the task.",
    "request": "Id of the request, as its answer's `x-request-id` had it.",
    "task_id": "Id of the task, as the answer to its submit has it.",
    "token": "What proves that the vendor was told this address; nobody else knows it.",
    "upstream": "Id of the upstream.",
}
_BY_PATH: Mapping[tuple[str, str], str] = {
    ("/api/redemption-codes/", "code"): "Id of the redemption code, not the code itself.",
    ("/callbacks/", "task_id"): "Id of the task that the vendor tells of.",
}
"""Beginning of a path and name -> what the parameter means there."""


def describe_path_parameter(path: str, name: str) -> str:
    """Return the sentence about a parameter, empty for one that nobody has described."""
    said = (text for (beginning, known), text in _BY_PATH.items() if known == name and path.startswith(beginning))
    return next(said, _BY_NAME.get(name, ""))
