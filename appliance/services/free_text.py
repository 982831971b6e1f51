"""What strangers type, made fit for the database: PostgreSQL keeps neither NUL nor half a surrogate pair. Pure."""

from typing import Any


def storable(text: str) -> str:
    """Return the text with what cannot be stored replaced; line breaks and tabs stay."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def one_line(text: str) -> str:
    """Return the text without control characters, so that a name forges no line of a log."""
    return "".join(char if char.isprintable() else " " for char in storable(text)).strip()


def storable_json(value: Any) -> Any:
    """Return JSON values whose texts and keys can all be stored."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable_json(item) for item in value]
    return value
