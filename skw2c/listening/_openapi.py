"""The description of the API, as OpenAPI has it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._version import __version__

_JSON = "application/json"


@dataclass(frozen=True)
class Operation:
    """One request that the server answers.

    Attributes
    ----------
    method, path : str
    summary : str
        What is answered.
    parameters : dict of str to tuple
        Type and description of each parameter of the query.
    sends : dict or None
        Schema of the body that is sent.
    gives : str
        Name of the schema of the answer, or its media type.
    problems : tuple of int
        The statuses of errors beside 404.
    """

    method: str
    path: str
    summary: str
    parameters: dict = field(default_factory=dict)
    sends: dict | None = None
    gives: str = _JSON
    problems: tuple[int, ...] = ()


_TEXTS = {"type": "array", "items": {"type": "string"}}
_NUMBERS = {"type": "array", "items": {"type": "integer"}}
_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_METHOD = {"type": "string", "enum": ["umap", "pca"]}
_FOLDER = (_TEXT, "Only clips in this folder and those below it.")
_LABEL = {"type": "object", "properties": {"label": {"type": ["string", "null"]}}}
_CLASSES = {
    "type": "object",
    "properties": {
        "classes": _TEXTS,
        "renamed": {"type": "object", "additionalProperties": _TEXT},
    },
}

OPERATIONS = [
    Operation("get", "/", "The page.", gives="text/html"),
    Operation("get", "/static/{name}", "A script or style of the page.", gives="*/*"),
    Operation("get", "/favicon.ico", "The icon of the page.", gives="image/svg+xml"),
    Operation("get", "/openapi.json", "This description."),
    Operation(
        "get",
        "/api/library",
        "What the library is, whether it is loaded, whether another program saved it since, and "
        "what it can be asked by. Numbers of clips hold as long as its id is the same.",
    ),
    Operation(
        "post",
        "/api/library/refresh",
        "Go over to what another program saved.",
        problems=(409, 503),
    ),
    Operation(
        "get",
        "/api/items",
        "Clips in the order of their numbers.",
        {
            "offset": (_NUMBER, "The first one to give."),
            "limit": (_NUMBER, "How many to give, 100 by default, 500 at most."),
            "text": (_TEXT, "Only clips whose names contain it, in any case."),
            "folder": _FOLDER,
            "numbers": (_TEXT, "The clips of these numbers, such as 3,17; nothing else counts."),
        },
        gives="Items",
        problems=(400,),
    ),
    Operation("get", "/api/items/{number}", "A clip and its file.", gives="Item", problems=(415,)),
    Operation("get", "/api/folders", "Folders, and how many clips are in each."),
    Operation(
        "get",
        "/audio/{number}",
        "The sound of a clip, in whole or by ranges of bytes: as it is where browsers play it, "
        "else as WAV.",
        {"as": ({"type": "string", "enum": ["original", "wav"]}, "The file itself, or WAV.")},
        gives="audio/*",
        problems=(400, 413, 415, 416),
    ),
    Operation(
        "get",
        "/waveform/{number}",
        "The lowest and highest sample of each stretch of a clip; 127 is full scale.",
        {"points": (_NUMBER, "How many stretches at most, 800 by default.")},
        gives="Waveform",
        problems=(400, 415),
    ),
    Operation(
        "get",
        "/api/search",
        "The clips, or in frame mode the windows, that are nearest to what is asked: the sum of "
        "the unit vectors of all parts, less those to take away.",
        {
            "words": (_TEXTS, "Words to look for."),
            "minus_words": (_TEXTS, "Words to take away."),
            "item": (_NUMBERS, "Numbers of clips; they are left out of the results."),
            "minus_item": (_NUMBERS, "Numbers of clips to take away."),
            "upload": (_TEXTS, "Uploads to look for."),
            "minus_upload": (_TEXTS, "Uploads to take away."),
            "k": (_NUMBER, "How many results, 50 by default, 1000 at most."),
            "folder": _FOLDER,
        },
        gives="Results",
        problems=(400, 422, 503),
    ),
    Operation(
        "post",
        "/api/uploads",
        "Send a sound or an image to search with: at most 20 MB, and 5 minutes of sound. The last "
        "16 are kept.",
        sends={
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}},
            "required": ["file"],
        },
        gives="Upload",
        problems=(400, 413, 415),
    ),
    Operation(
        "get",
        "/api/uploads/{id}/audio",
        "The sound of an upload.",
        gives="audio/*",
        problems=(413, 415),
    ),
    Operation(
        "get",
        "/api/map",
        "Whether there is a map of the library.",
        {"method": (_METHOD, "By which method.")},
        gives="Map",
        problems=(400,),
    ),
    Operation(
        "post",
        "/api/map",
        "Compute a map of the library.",
        sends={"type": "object", "properties": {"method": _METHOD}},
        gives="Map",
        problems=(400, 503),
    ),
    Operation(
        "get",
        "/api/map/points",
        "Two 16-bit numbers, x and y, of each clip in the order of their numbers; the least "
        "significant byte comes first.",
        {"method": (_METHOD, "By which method.")},
        gives="application/octet-stream",
        problems=(400,),
    ),
    Operation(
        "get",
        "/api/colours",
        "A category of each clip. The numbers are 16-bit numbers in base64, the least significant "
        "byte first; -1 is none.",
        {
            "by": (
                {"type": "string", "enum": ["folder", "labels", "predicted", "table", "words"]},
                "What the categories are.",
            ),
            "words": (_TEXTS, "The words to choose from, with by=words."),
            "column": (_TEXT, "The column, with by=table."),
        },
        gives="Colours",
        problems=(400, 409, 422, 503),
    ),
    Operation("get", "/api/labels", "Classes, labels by the numbers of clips, and counts."),
    Operation(
        "put",
        "/api/labels/classes",
        "Say which classes there are.",
        sends=_CLASSES,
        problems=(422,),
    ),
    Operation(
        "put",
        "/api/labels/{number}",
        "Give a clip a label, or take it away with null.",
        sends=_LABEL,
        problems=(400, 422, 503),
    ),
    Operation(
        "get",
        "/api/labels.csv",
        "A table of the labels.",
        {"predicted": (_NUMBER, "1: of all clips, with what the classifier says.")},
        gives="text/csv",
        problems=(409,),
    ),
    Operation("get", "/api/classifier", "What the classifier was trained on last."),
    Operation("post", "/api/classifier", "Train the classifier.", problems=(409, 503)),
    Operation(
        "get",
        "/api/classifier/uncertain",
        "Clips without a label of which the classifier is least certain.",
        {"k": (_NUMBER, "How many, 20 by default.")},
        problems=(409,),
    ),
    Operation(
        "get",
        "/api/classifier/confident",
        "Clips without a label that the classifier is most certain to be of a class.",
        {"label": (_TEXT, "The class."), "k": (_NUMBER, "How many, 20 by default.")},
        problems=(400, 409, 422),
    ),
    Operation(
        "get",
        "/api/classifier.py",
        "A script of scikit-learn that trains the same classifier on the table of the labels.",
        gives="text/x-python",
    ),
    Operation("get", "/api/missing", "Clips whose files are not there, and what can be done."),
    Operation(
        "post",
        "/api/missing/remove",
        "Remove the clips whose files are not there, and save the index.",
        problems=(409, 503),
    ),
]

_FLOATS, _MAYBE = {"type": "number"}, {"type": ["number", "null"]}
_ITEM = {
    "number": _NUMBER,
    "name": _TEXT,
    "folder": _TEXT,
    "item": _TEXT,
    "duration": _MAYBE,
    "has_file": {"type": "boolean"},
    "missing": {"type": "boolean"},
}
_HIT = {**_ITEM, "rank": _NUMBER, "score": _FLOATS, "start": _MAYBE, "end": _MAYBE}


def describe_api() -> dict:
    """The document of OpenAPI 3.1."""
    paths: dict = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "skw2c serve",
            "version": __version__,
            "description": "Search, hear and sort a library of sounds. Whatever is not read by "
            "GET needs the header X-Skw2c-Token, with the token in the page.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Skw2c-Token"}
            },
        },
    }


def _describe(operation: Operation) -> dict:
    described = {
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.parameters)],
        "responses": {
            "200": {"description": "The answer.", "content": _content(operation.gives)},
            **{str(status): _PROBLEM for status in sorted({404, *operation.problems})},
        },
    }
    if operation.sends is not None:
        kind = "multipart/form-data" if operation.path == "/api/uploads" else _JSON
        described["requestBody"] = {"content": {kind: {"schema": operation.sends}}}
    if operation.method != "get":
        described["security"] = [{"token": []}]
    return described


def _path_parameters(path: str) -> list[dict]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _NUMBER if name == "number" else _TEXT,
        }
        for name in names
    ]


def _query_parameters(parameters: dict) -> list[dict]:
    return [
        {"name": name, "in": "query", "description": text, "schema": schema}
        for name, (schema, text) in parameters.items()
    ]


def _content(gives: str) -> dict:
    if "/" in gives:
        return {gives: {}}
    return {_JSON: {"schema": {"$ref": f"#/components/schemas/{gives}"}}}


_PROBLEM = {
    "description": "A sentence that says what is wrong, and perhaps a command that helps.",
    "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def _schemas() -> dict:
    properties = {
        "Item": _ITEM,
        "Items": {"total": _NUMBER, "items": _list_of("Item")},
        "Hit": _HIT,
        "Results": {"query": _TEXT, "seconds": _FLOATS, "results": _list_of("Hit")},
        "Waveform": {"duration": _FLOATS, "points": _NUMBER, "low": _NUMBERS, "high": _NUMBERS},
        "Upload": {
            "id": _TEXT,
            "kind": {"type": "string", "enum": ["sound", "image"]},
            "name": _TEXT,
            "duration": _MAYBE,
        },
        "Map": {
            "state": {"type": "string", "enum": ["ready", "computing", "absent"]},
            "method": _METHOD,
            "n": _NUMBER,
            "message": {"type": ["string", "null"]},
            "umap": {"type": "object"},
        },
        "Colours": {"title": _TEXT, "categories": _TEXTS, "numbers": _TEXT},
        "Problem": {"error": _TEXT, "command": {"type": ["string", "null"]}},
    }
    return {name: {"type": "object", "properties": own} for name, own in properties.items()}


def _list_of(name: str) -> dict:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
