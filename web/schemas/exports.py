"""What somebody wants exported of a sitting."""

from typing import Annotated

from msgspec import Meta

from appliance.vocabulary import ExportContainer, ExportContent
from web.schemas.decoding import Form, Json


class ExportWanted(Json):
    """Contents of an export."""

    contents: Annotated[list[ExportContent], Meta(min_length=1, max_length=4)]
    container: ExportContainer = ExportContainer.WEBM
    with_records: bool = True


class ExportFile(Form):
    """Which file of an export; empty: the archive."""

    name: Annotated[str, Meta(max_length=100)] = ""
