"""What a customer's LMS says."""

from web.schemas.decoding import Form
from web.schemas.fields import Token


class Start(Form):
    """The start form's only field: the signed start token."""

    token: Token
