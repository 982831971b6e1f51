"""What is said about media nodes."""

from web.schemas.decoding import Json


class Drain(Json):
    """Take a node out of use for a restart; ``moves``: running sittings go to other nodes instead of ending there."""

    moves: bool = False
