"""A real directory (OpenLDAP's slapd) as a child process, with TLS by its own authority; never the service."""

import base64
import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SCHEMA = Path("/etc/ldap/schema")
BASE = "dc=example,dc=org"
SERVICE = f"cn=kustos,{BASE}"
SERVICE_PASSWORD = "the service account's password"
PASSWORD = "a person's password"

CONFIG = """
modulepath /usr/lib/ldap
moduleload back_mdb
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName'
  EQUALITY caseIgnoreMatch SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID'
  EQUALITY octetStringMatch SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl'
  EQUALITY integerMatch SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' )
objectclass ( 2.25.1 NAME 'activeDirectoryPerson' AUXILIARY MAY ( sAMAccountName $ objectGUID $ userAccountControl ) )
moduleload memberof
pidfile {folder}/pid
argsfile {folder}/args
loglevel stats
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
sizelimit size.soft={page} size.hard={page} size.pr=10000 size.prtotal=unlimited
database mdb
maxsize 33554432
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
directory {folder}/db
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
memberof-memberof-ad memberOf
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""

TREE = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {SERVICE}
objectClass: person
cn: kustos
sn: kustos
userPassword: {SERVICE_PASSWORD}

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups
"""


class Slapd:
    """Starts in about a tenth of a second; ``add_person`` and ``add_group`` fill it."""

    def __init__(self, folder: Path, page: int = 10) -> None:
        self.folder = folder
        self.page = page
        self.ports = _free_ports(2)
        self.ldap, self.ldaps = f"ldap://127.0.0.1:{self.ports[0]}", f"ldaps://127.0.0.1:{self.ports[1]}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def authority(self) -> str:
        return (self.folder / "ca.pem").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def create(self) -> None:
        (self.folder / "db").mkdir(parents=True)
        # the distribution's AppArmor profile names the program's path, and forbids it folders of tests
        shutil.copy("/usr/sbin/slapd", self.folder / "slapd")
        write_certificates(self.folder)
        config = CONFIG.format(schema=SCHEMA, folder=self.folder, base=BASE, page=self.page)
        (self.folder / "slapd.conf").write_text(config)

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.ports[0]} ldaps://127.0.0.1:{self.ports[1]}"
        command = [self.folder / "slapd", "-h", urls, "-f", self.folder / "slapd.conf", "-d", "stats"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        for port in self.ports:
            _wait_for(port, self)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def change(self, ldif: str, program: str = "ldapadd") -> None:
        """Add entries, or change them with ``ldapmodify``."""
        command = [program, "-x", "-H", f"ldap://127.0.0.1:{self.ports[0]}", "-D", f"cn=root,{BASE}", "-w", "root"]
        done = subprocess.run(command, input=ldif, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr

    def fill(self) -> None:
        self.change(TREE)

    def add_person(self, uid: str, name: str, password: str = PASSWORD, email: str = "", extra: str = "") -> str:
        dn = f"uid={uid},ou=people,{BASE}"
        self.change(
            f"dn: {dn}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {name.rsplit(maxsplit=1)[-1]}\n"
            f"mail: {email or f'{uid}@example.org'}\nuserPassword: {password}\n{extra}"
        )
        return dn

    def add_group(self, name: str, members: list[str]) -> str:
        dn = f"cn={name},ou=groups,{BASE}"
        listed = "\n".join(f"member: {member}" for member in members)
        self.change(f"dn: {dn}\nobjectClass: groupOfNames\ncn: {name}\n{listed}\n")
        return dn

    def add_active_directory_user(self, name: str, control: int = 512) -> uuid.UUID:
        """An entry with the attributes of Active Directory (Microsoft's own numbers)."""
        guid = uuid.uuid4()
        encoded = base64.b64encode(guid.bytes_le).decode()
        self.add_person(
            name,
            name.title(),
            extra=f"objectClass: activeDirectoryPerson\nsAMAccountName: {name}\n"
            f"userAccountControl: {control}\nobjectGUID:: {encoded}\n",
        )
        return guid


def write_certificates(folder: Path, host: str = "127.0.0.1") -> None:
    """Write ca.pem, server.pem and server.key for this address."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])

    def certificate(name: x509.Name, public: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=30))
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        if not is_authority:
            names = [x509.IPAddress(ipaddress.ip_address(host))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(authority_key, hashes.SHA256())

    own = certificate(issuer, authority_key.public_key(), is_authority=True)
    (folder / "ca.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
    server = certificate(subject, key.public_key(), is_authority=False)
    (folder / "server.pem").write_bytes(server.public_bytes(serialization.Encoding.PEM))
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "server.key").write_bytes(key.private_bytes(pem, kind, serialization.NoEncryption()))


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _wait_for(port: int, server: Slapd) -> None:
    ends = time.monotonic() + 15
    while time.monotonic() < ends:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server._process is not None and server._process.poll() is None, server.log
        time.sleep(0.02)
    raise AssertionError(server.log)
