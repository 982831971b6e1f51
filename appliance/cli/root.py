"""The group of all commands, and the one place where an error becomes a line and an exit status."""

import sys
from importlib import import_module
from typing import Final

import click

from appliance.errors import ApplianceError

COMMANDS_AT: Final = {
    "analyse": "analyse:analyse",
    "audit": "audit:audit",
    "backup": "backup:backup",
    "biometrics": "biometrics:biometrics",
    "bundle": "bundle:bundle",
    "check": "check:check",
    "company": "company:company",
    "compliance": "compliance_report:compliance_group",
    "demo": "demo:demo",
    "evidence": "evidence:evidence",
    "gateway": "processes:gateway",
    "health": "health:health",
    "install": "install:install",
    "inventory": "inventory:inventory",
    "node": "nodes:node",
    "openapi": "openapi:openapi",
    "permissions": "permissions:permissions",
    "preflight": "preflight:preflight",
    "release": "release:release",
    "retention": "retention:retention",
    "rollback": "upgrade:rollback",
    "schema": "schema:schema",
    "sign-on": "sign_on:sign_on",
    "templates": "templates:templates",
    "uninstall": "install:uninstall",
    "up": "up:up",
    "upgrade": "upgrade:upgrade",
    "user": "user:user",
    "vault": "vault:vault",
    "web": "processes:web",
    "worker": "processes:worker",
}
"""Word -> module and name. A process loads what it runs: all of them together take two seconds of a core."""


class Kustos(click.Group):
    """Loads a command when it is asked for; words an ``ApplianceError`` as lines on stderr, with no traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the words there are."""
        return sorted(COMMANDS_AT)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None for a word that is none."""
        if cmd_name not in COMMANDS_AT:
            return None
        module, _, name = COMMANDS_AT[cmd_name].partition(":")
        command = getattr(import_module(f"appliance.cli.{module}"), name)
        assert isinstance(command, click.Command)  # noqa: S101 - our own table
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; exit with 1 on an error that has words."""
        try:
            return super().invoke(ctx)
        except ApplianceError as error:
            click.echo(click.style("kustos: ", fg="red", bold=True) + error.message, err=True)
            sys.exit(1)


@click.group(cls=Kustos, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kustos")
def main() -> None:
    """Kustos, the on-premise proctoring appliance."""
