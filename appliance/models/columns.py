"""Column types that several models share."""

from enum import StrEnum
from typing import Annotated

from sqlalchemy import BigInteger, Enum, Identity
from sqlalchemy.orm import mapped_column

Id = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]
"""Primary key made by the database."""


def word(enumeration: type[StrEnum]) -> Enum:
    """Return a column type for a vocabulary enum, stored as its value in text with no database-side type.

    A native PostgreSQL enum could not lose a word in a migration; the application checks on the way in and out.
    """
    return Enum(
        enumeration,
        native_enum=False,
        create_constraint=False,
        length=48,
        values_callable=lambda members: [member.value for member in members],
    )
