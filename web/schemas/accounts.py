"""Log-in and the staff's accounts."""

from appliance.vocabulary import Role
from web.schemas.decoding import Form, Json
from web.schemas.fields import Email, Name, Password, Word


class LogIn(Form):
    """The log-in form. Missing fields are empty, so that the form can be shown again with one plain message."""

    email: str = ""
    password: str = ""
    code: str = ""
    next: str = ""


class NextPage(Form):
    """Where to go after log-in, and whom a link proposes."""

    next: str = ""
    email: str = ""


class NewPerson(Json):
    """A member of staff to be."""

    email: Email
    name: Name
    role: Role
    password: Password
    language: Word = "en"


class DemoSitting(Form):
    """Which demo exam to sit, and under which name."""

    exam: Word
    name: str = ""
    language: str = ""
