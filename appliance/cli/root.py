"""The group of all commands, and the one place where an error becomes a line and an exit status."""

import sys

import click

from appliance.cli import (
    analyse,
    audit,
    backup,
    biometrics,
    check,
    company,
    compliance,
    compliance_report,
    demo,
    deploy,
    evidence,
    nodes,
    openapi,
    permissions,
    processes,
    retention,
    schema,
    sign_on,
    templates,
    up,
    user,
    vault,
)
from appliance.errors import ApplianceError


class Kustos(click.Group):
    """Words an ``ApplianceError`` as plain lines on stderr, with no traceback."""

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


main.add_command(up.up)
main.add_command(processes.web)
main.add_command(processes.gateway)
main.add_command(nodes.node)
main.add_command(processes.worker)
main.add_command(audit.audit)
main.add_command(biometrics.biometrics)
main.add_command(check.check)
main.add_command(analyse.analyse)
main.add_command(demo.demo)
main.add_command(evidence.evidence)
main.add_command(sign_on.sign_on)
main.add_command(templates.templates)
main.add_command(retention.retention)
main.add_command(compliance.compliance)
compliance.compliance.add_command(compliance_report.report)
compliance.compliance.add_command(compliance_report.settings)
main.add_command(openapi.openapi)
main.add_command(permissions.permissions)
main.add_command(vault.vault)
main.add_command(deploy.bundle)
main.add_command(deploy.inventory)
main.add_command(deploy.install)
main.add_command(deploy.uninstall)
main.add_command(schema.schema)
main.add_command(company.company)
main.add_command(user.user)
main.add_command(backup.backup)
