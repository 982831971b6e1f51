"""``kustos permissions``: the permission map as text, as Markdown for the documentation, and as role x route."""

from collections.abc import Iterable, Iterator

import click

from appliance.cli.commands import COMMANDS
from appliance.security.permission_map import DANGEROUS, TABLE, Cells, Permission
from appliance.vocabulary import Scope

COLUMNS = ("admin", "organiser", "proctor", "reviewer", "officer", "support", "auditor", "API client", "candidate")

MEANINGS: dict[Scope, str] = {
    Scope.APPLIANCE: "the whole appliance, which all its companies share",
    Scope.COMPANY: "everything of the own company; for an account or API client limited to its exams: these",
    Scope.EXAM: "exams one is assigned to, and all their sittings",
    Scope.SITTING: "sittings assigned by name or claimed, and of assigned exams those that nobody has claimed",
    Scope.GRANTED: "what an administrator or security officer opened for one ticket, for at most 24 hours",
    Scope.OWN: "a candidate's own sitting; one's own account",
}

HEAD = """\
# Who may do what, and how far

Written by `kustos permissions --markdown` from `appliance/security/permission_map.py`, `web/realtime/handlers.py` and
`appliance/cli/commands.py`; a test holds it equal to them. `kustos permissions --routes` prints the same by route.
"""

CELLS = """\
A cell says how far a permission reaches; an empty one: not at all. Of what is another company's not even that it
exists is told (404). `!`: wants a second factor shown a moment ago.
"""

NEEDS = """\
A command runs as a user of the operating system, whom the audit log names; what that user can read decides.
`files`: only the files it is given. `settings`: the settings with the secret key, which the appliance's own user and
root can read. `release key`: the key that signs releases. `hosts`: root on the hosts by ssh.
"""


@click.command()
@click.option("--markdown", is_flag=True, help="As docs/security/permissions.md.")
@click.option("--routes", is_flag=True, help="Role x route instead of role x permission.")
def permissions(markdown: bool, routes: bool) -> None:
    """Print who may do what, and how far: every role, permission and scope."""
    if markdown:
        click.echo(document(), nl=False)
    elif routes:
        click.echo(aligned(["Method", "Route", *COLUMNS], by_route()))
    else:
        click.echo(aligned(["Permission", *COLUMNS], ([permission.value, *_row(permission)] for permission in TABLE)))


def document() -> str:
    """Return the whole map as Markdown."""
    scopes = "\n".join(f"- **{scope.value}**: {meaning}" for scope, meaning in MEANINGS.items())
    return "\n".join(
        [
            HEAD,
            CELLS,
            scopes,
            "\n## Roles\n",
            _markdown(("permission", *COLUMNS), ([_name(p), *_row(p, "")] for p in TABLE)),
            "\nAn API client has at most its column; each is given a part of it.\n",
            "## Messages of the socket\n",
            _markdown(("message", "permission"), _messages()),
            "\n## Commands\n",
            NEEDS,
            _markdown(
                ("command", "needs", "as permission"),
                ([f"kustos {name}", entry.needs.value, entry.permission or ""] for name, entry in COMMANDS.items()),
            ),
            "",
        ]
    )


def by_route() -> Iterator[list[str]]:
    """Yield method, address and a scope for each role, of every route."""
    from web.routes import ROUTES  # noqa: PLC0415 - the web's dependencies only where they are needed

    nobody = Cells(*([None] * len(Cells._fields)))
    for rows in ROUTES.values():
        for row in rows:
            cells = nobody if row.permission is None else TABLE[row.permission]
            anybody = ["anybody" if row.permission is None else "-"] * len(COLUMNS)
            yield [row.method, row.pattern, *(cell or other for cell, other in zip(cells, anybody, strict=True))]


def _messages() -> Iterator[list[str]]:
    from web.realtime.handlers import HANDLERS  # noqa: PLC0415 - as above

    for kind, handler in HANDLERS.items():
        yield [str(kind.__struct_config__.tag), handler.permission.value]


def _name(permission: Permission) -> str:
    return f"{permission.value} !" if permission in DANGEROUS else permission.value


def _row(permission: Permission, none: str = "-") -> list[str]:
    return [none if cell is None else cell.value for cell in TABLE[permission]]


def aligned(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return lines with columns aligned, below their titles."""
    lines = [head, *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    padded = ("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def _markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
