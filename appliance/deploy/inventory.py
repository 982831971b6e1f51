"""An inventory: which host does what, in Ansible's own YAML, so that Ansible people may go on by hand."""

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import Any, Final

import yaml

from appliance.addresses import is_address
from appliance.errors import BadInput

GROUPS: Final = ("web", "gateway", "media", "worker", "database", "turn")
"""Groups that hosts may be in; all of them below ``kustos``."""
NEEDED: Final = ("web", "gateway", "worker", "database")
WITH_DATA: Final = frozenset({"web", "gateway", "worker"})
"""Groups whose hosts share ``/var/lib/kustos``."""
MEDIA_NODES: Final = ("embedded", "package", "container")
MOUNTED: Final = "mounted"
"""The answer of who mounts the shared file system without our help."""
_NAME: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}$")
_SHARE: Final = re.compile(r"[^\s:]+:/\S*$")
_TARGET: Final = re.compile(r"(/\S+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?)$")
HEAD: Final = "# Inventory of Kustos, for `kustos install -i`. Keep it private: it holds secrets.\n"


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """One host, as somebody described it."""

    name: str
    groups: tuple[str, ...] = GROUPS
    address: str = ""
    """Where Ansible reaches it; empty: by its name, ``local``: it is this machine."""
    inner: str = ""
    """IPv4 address at which the other hosts reach it; empty: ``address``, if that is one."""
    user: str = "root"

    @property
    def inner_address(self) -> str:
        """Return where the other hosts reach it; empty when nobody said."""
        return self.inner or (self.address if is_ipv4(self.address) else "")


@dataclass(frozen=True, slots=True)
class Answers:
    """What is asked when an inventory is made; one host does everything where no ``hosts`` are named."""

    host_name: str
    """What people type in their browsers."""
    address: str = "local"
    """Where the one host is reached by Ansible; ``local`` for this machine."""
    user: str = "root"
    turn: bool = True
    hosts: tuple[HostAnswer, ...] = ()
    certificate: str = ""
    """The customer's chain, a file here; empty: an authority of the appliance's own."""
    key: str = ""
    media_node: str = "embedded"
    media_image: str = ""
    """Kurento's image with its digest, for ``container``."""
    analysis_workers: int = 2
    shared_data: str = ""
    """``server:/path`` by NFS for several hosts with data, or ``mounted``."""
    shared_recordings: str = ""
    backup_target: str = ""
    """A folder or ``s3://bucket/prefix``; empty: none is made by the appliance."""
    backup_keys: str = ""
    """Another folder, for the keys: whoever has both can read everything."""
    backup_s3_key_id: str = ""
    backup_s3_secret: str = ""
    acme_directory: str = ""
    """Address of an ACME server that makes and renews the certificate."""
    acme_contact: str = ""
    monitoring_from: tuple[str, ...] = ()
    """Networks whose Prometheus may fetch figures."""
    time_servers: tuple[str, ...] = ()
    admin_networks: tuple[str, ...] = ()

    @property
    def all_hosts(self) -> tuple[HostAnswer, ...]:
        """Return the hosts, the one that does everything if none are named."""
        if self.hosts:
            return self.hosts
        groups = tuple(group for group in GROUPS if self.turn or group != "turn")
        return (HostAnswer(self.host_name.strip().lower(), groups, self.address, "", self.user),)


Problem = tuple[str, str]
"""The answer's name, and what is wrong with it."""


def problems(answers: Answers) -> list[Problem]:
    """Return everything that is wrong with the answers, each with the name of its field."""
    return [*_of_origin(answers), *_of_hosts(answers.all_hosts), *_of_sharing(answers), *_of_rest(answers)]


def make(answers: Answers) -> str:
    """Return the text of an inventory; raise ``BadInput`` naming every field that is wrong, at once."""
    wrong = problems(answers)
    if wrong:
        said = "; ".join(f"{field}: {text}" for field, text in wrong)
        raise BadInput(f"{said}.", fields=sorted({field for field, _ in wrong}), field=wrong[0][0])
    hosts = answers.all_hosts
    seen: set[str] = set()
    children: dict[str, Any] = {}
    for group in GROUPS:
        members = [host for host in hosts if group in host.groups]
        if members:
            own = {host.name: None if host.name in seen else _host(host, len(hosts) > 1) for host in members}
            children[group] = {"hosts": own}
            seen.update(own)
    content = {"kustos": {"vars": _variables(answers), "children": children}}
    return HEAD + str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _host(host: HostAnswer, several: bool) -> dict[str, Any]:
    if host.address == "local":
        values: dict[str, Any] = {"ansible_connection": "local"}
    else:
        values = {"ansible_host": host.address or host.name, "ansible_user": host.user}
        values |= {"ansible_become": True} if host.user != "root" else {}
    return values | ({"kustos_address": host.inner_address} if several else {})


def _variables(answers: Answers) -> dict[str, Any]:
    name = answers.host_name.strip().lower()
    web = [host for host in answers.all_hosts if "web" in host.groups]
    variables: dict[str, Any] = {
        "kustos_host_name": name,
        "kustos_public_url": f"https://{name}",
        "kustos_analysis_workers": answers.analysis_workers,
        "tls_addresses": [host.address for host in web if is_address(host.address)],
    }
    if answers.certificate:
        variables |= {"tls_certificate": _absolute(answers.certificate), "tls_key": _absolute(answers.key)}
    relays = [host for host in answers.all_hosts if "turn" in host.groups]
    if relays:
        variables["kustos_turn_secret"] = secrets.token_urlsafe(32)
        variables["kustos_turn_urls"] = [
            url for host in relays for url in _ways(host, name if len(answers.all_hosts) == 1 else host.name)
        ]
    if answers.media_node != MEDIA_NODES[0]:
        variables["media_node_kind"] = answers.media_node
        variables |= {"media_node_image": answers.media_image} if answers.media_image else {}
    for field, variable in (("shared_data", "base_shared_data"), ("shared_recordings", "base_shared_recordings")):
        source = getattr(answers, field)
        if source and source != MOUNTED:
            variables[variable] = {"source": source}
    return variables | _optional(answers)


def _ways(host: HostAnswer, name: str) -> tuple[str, ...]:
    """Return how browsers come to a relay; by TLS on https's own port where no web server has it."""
    tls = 5349 if "web" in host.groups else 443
    return (f"turn:{name}:3478?transport=udp", f"turn:{name}:3478?transport=tcp", f"turns:{name}:{tls}?transport=tcp")


def _optional(answers: Answers) -> dict[str, Any]:
    found = {
        "kustos_backup_target": answers.backup_target,
        "kustos_backup_keys": answers.backup_keys,
        "kustos_backup_s3_key_id": answers.backup_s3_key_id,
        "kustos_backup_s3_secret": answers.backup_s3_secret,
        "tls_acme_directory": answers.acme_directory,
        "tls_acme_contact": answers.acme_contact,
        "kustos_monitoring_scrapers": list(answers.monitoring_from),
        "base_time_servers": list(answers.time_servers),
        "firewall_admin_networks": list(answers.admin_networks),
    }
    return {name: value for name, value in found.items() if value}


def _of_origin(answers: Answers) -> Iterator[Problem]:
    if not _NAME.match(answers.host_name.strip().lower()):
        yield "host_name", "this is no name of a host; it looks like exam.example.org"
    if answers.acme_directory and answers.certificate:
        yield "acme_directory", "either your certificate is taken or an ACME server makes one, not both"
    if answers.acme_directory and not answers.acme_directory.startswith("https://"):
        yield "acme_directory", f"{answers.acme_directory} is no address of an ACME server, https://…/directory"
    if bool(answers.certificate) != bool(answers.key):
        missing = "key" if answers.certificate else "certificate"
        yield missing, "a certificate and its key belong together; name both files or neither"
    for field in ("certificate", "key"):
        file = getattr(answers, field)
        if file and not Path(file).expanduser().is_file():
            yield field, f"there is no file {file} here"


def _of_hosts(hosts: tuple[HostAnswer, ...]) -> Iterator[Problem]:
    names = [host.name for host in hosts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "host", f"{name} is named twice"
    for host in hosts:
        yield from _of_host(host, len(hosts) > 1)
    for group in NEEDED if len(hosts) > 1 else ():
        if not any(group in host.groups for host in hosts):
            yield "host", f"no host is in the group {group}"
    databases = [host.name for host in hosts if "database" in host.groups]
    if len(databases) > 1:
        yield "host", f"only one host has the database, not {' and '.join(databases)}"
    inner = [host.inner_address for host in hosts if host.inner_address]
    for address in sorted({one for one in inner if inner.count(one) > 1}):
        yield "inner", f"{address} is the address of two hosts"


def _of_host(host: HostAnswer, several: bool) -> Iterator[Problem]:
    if several and not _NAME.match(host.name):
        yield "host", f"{host.name or 'nothing'} is no name of a host"
    if host.address not in {"", "local"} and not is_address(host.address) and not _NAME.match(host.address.lower()):
        yield "address", f"{host.address} is neither an address nor a name of a host"
    if not _USER.match(host.user):
        yield "user", f"{host.user or 'nothing'} is no name of a user"
    unknown = [group for group in host.groups if group not in GROUPS]
    if unknown or not host.groups:
        yield "groups", f"{host.name} is in {', '.join(unknown) or 'no group'}; known are {', '.join(GROUPS)}"
    if several and not is_ipv4(host.inner_address):
        told = host.inner_address or "no address"
        yield "inner", f"{host.name} has {told}; with several hosts each needs the IPv4 address the others use"
    elif several and host.inner_address.startswith("127."):
        yield "inner", f"{host.name} is not reached by others at {host.inner_address}"


def _of_sharing(answers: Answers) -> Iterator[Problem]:
    with_data = [host for host in answers.all_hosts if WITH_DATA & set(host.groups)]
    apart = [host for host in answers.all_hosts if "media" in host.groups and host not in with_data]
    shares = f"name its share (server:/path), or `{MOUNTED}` where you mount it yourself"
    if len(with_data) > 1 and not answers.shared_data:
        yield "shared_data", f"{len(with_data)} hosts share /var/lib/kustos: {shares}"
    if apart and not answers.shared_recordings:
        yield "shared_recordings", f"{apart[0].name} writes recordings that others read: {shares}"
    for field in ("shared_data", "shared_recordings"):
        source = getattr(answers, field)
        if source and source != MOUNTED and not _SHARE.match(source):
            yield field, f"{source} is no share; it looks like 10.0.0.9:/kustos"


def _of_rest(answers: Answers) -> Iterator[Problem]:
    if answers.media_node not in MEDIA_NODES:
        yield "media_node", f"{answers.media_node} is none of {', '.join(MEDIA_NODES)}"
    if answers.media_node == "container" and not re.search(r"@sha256:[0-9a-f]{64}$", answers.media_image):
        yield "media_image", "a container needs Kurento's image with its digest, NAME@sha256:…"
    if not 0 <= answers.analysis_workers <= 256:
        yield "analysis_workers", "this is a number of processes, one a core"
    yield from _of_backup(answers)
    for field in ("monitoring_from", "admin_networks"):
        yield from (
            (field, f"{one} is no network; it looks like 10.0.0.0/24") for one in _no_networks(answers, field)
        )
    for server in answers.time_servers:
        if not is_address(server) and not _NAME.match(server.lower()):
            yield "time_servers", f"{server} is neither an address nor a name of a host"


def _of_backup(answers: Answers) -> Iterator[Problem]:
    target, keys = answers.backup_target, answers.backup_keys
    if target and not _TARGET.match(target):
        yield "backup_target", f"{target} is neither a folder (/mnt/backup) nor s3://bucket/prefix"
    if target and not keys:
        yield "backup_keys", "keys are backed up apart from the data: name another folder for them"
    if keys and (not keys.startswith("/") or keys == target):
        yield "backup_keys", f"{keys} has to be a folder that is not the data's"
    if target.startswith("s3://") and not (answers.backup_s3_key_id and answers.backup_s3_secret):
        yield "backup_s3_secret", "S3 asks for a key's id and its secret"


def _no_networks(answers: Answers, field: str) -> Iterator[str]:
    for text in getattr(answers, field):
        try:
            ip_network(text)
        except ValueError:
            yield text


def is_ipv4(text: str) -> bool:
    """Say whether a text is an IPv4 address."""
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _absolute(file: str) -> str:
    return str(Path(file).expanduser().resolve())


def check(path: Path) -> dict[str, list[str]]:
    """Return the hosts of each group; raise ``BadInput`` naming everything that is missing, at once."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); `kustos inventory new` writes one.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no YAML: {error}") from error
    top = content.get("kustos") if isinstance(content, dict) else None
    if not isinstance(top, dict) or not isinstance(top.get("children"), dict):
        raise BadInput(
            f"{path}: the group `kustos` with its `children` is missing; `kustos inventory new` shows how."
        )
    groups = {name: sorted((group or {}).get("hosts") or {}) for name, group in top["children"].items()}
    wrong = [*_of_groups(groups), *_of_variables(groups, top.get("vars") or {}), *_of_addresses(groups, top)]
    if wrong:
        raise BadInput(f"{path}: " + "; ".join(wrong) + ".")
    return groups


def _of_groups(groups: dict[str, list[str]]) -> Iterator[str]:
    yield from (f"group `{name}` is unknown; known are {', '.join(GROUPS)}" for name in groups if name not in GROUPS)
    yield from (f"group `{name}` has no host" for name in NEEDED if not groups.get(name))
    if len(groups.get("database", ())) > 1:
        yield f"group `database` has {len(groups['database'])} hosts, not one"


def _of_variables(groups: dict[str, list[str]], variables: dict[str, Any]) -> Iterator[str]:
    yield from (
        f"`{name}` is not set" for name in ("kustos_host_name", "kustos_public_url") if not variables.get(name)
    )
    if groups.get("turn") and not variables.get("kustos_turn_secret"):
        yield "there is a group `turn`, but `kustos_turn_secret` is not set"
    if bool(variables.get("tls_certificate")) != bool(variables.get("tls_key")):
        yield "`tls_certificate` and `tls_key` belong together"


def _of_addresses(groups: dict[str, list[str]], top: dict[str, Any]) -> Iterator[str]:
    hosts: Iterable[str] = sorted({host for names in groups.values() for host in names})
    own: dict[str, dict[str, Any]] = {host: {} for host in hosts}
    for section in (top, *top["children"].values()):
        for host, values in ((section or {}).get("hosts") or {}).items():
            own.setdefault(host, {}).update(values or {})
    for host, values in own.items() if len(own) > 1 else ():
        address = str(values.get("kustos_address", ""))
        if not is_ipv4(address) or address.startswith("127."):
            yield f"`kustos_address` of {host} is not set: the IPv4 address at which the other hosts reach it"
