"""A body that a route's schema takes, made from the schema itself: for tests of what comes before and after it."""

from typing import Any

import msgspec
from msgspec import inspect as kinds

EMAIL = "somebody@example.org"


def body_of(schema: type[msgspec.Struct] | None) -> bytes:
    """JSON with the least that each field may hold; ``{}`` without a schema."""
    if schema is None:
        return b"{}"
    return msgspec.json.encode(_least(kinds.type_info(schema)))


def _least(kind: kinds.Type) -> Any:  # noqa: PLR0911 - one kind of value a line
    match kind:
        case kinds.StructType():
            return {field.encode_name: _least(field.type) for field in kind.fields if field.required}
        case kinds.StrType():
            return EMAIL if kind.pattern and "@" in kind.pattern else "x" * max(kind.min_length or 0, 1)
        case kinds.IntType() | kinds.FloatType():
            least = kind.ge if kind.ge is not None else 1
            return least if kind.gt is None else kind.gt + 1
        case kinds.BoolType():
            return True
        case kinds.EnumType():
            return next(iter(kind.cls)).value
        case kinds.LiteralType():
            return kind.values[0]
        case kinds.ListType() | kinds.CollectionType():
            return [_least(kind.item_type)] * (kind.min_length or 0)
        case kinds.DictType():
            return {}
        case kinds.UnionType():
            return _least(next(one for one in kind.types if not isinstance(one, kinds.NoneType)))
    raise NotImplementedError(kind)
