"""Field types that several schemas share."""

from typing import Annotated

from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Word = Annotated[str, Meta(min_length=1, max_length=64)]
Comment = Annotated[str, Meta(max_length=4000)]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Password = Annotated[str, Meta(min_length=1, max_length=1024)]
"""The upper limit keeps argon2 from hashing megabytes; the lower one for new passwords is the service's."""
Ms = Annotated[int, Meta(ge=0, le=253402300799999)]
"""UTC milliseconds up to the year 9999, the last that a datetime can hold."""
Page = Annotated[int, Meta(ge=1, le=1_000_000)]
Token = Annotated[str, Meta(min_length=1, max_length=16_384)]
