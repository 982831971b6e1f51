"""The script of the role tls: what is wrong with a customer's certificate is said before anything is changed."""

import datetime as dt
import re
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.running import ROOT

SCRIPT = ROOT / "ansible/roles/tls/files/kustos-tls"
NOW = dt.datetime.now(dt.UTC)
NAME = "exam.test"


def tls(folder, *arguments, stdin=None):
    environment = {"KUSTOS_TLS_FOLDER": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    command = ["sh", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, input=stdin, check=False)


class Authority:
    """A house's own root, and one below it."""

    def __init__(self):
        self.key, self.root = self._make("Root of Acme", None, None)
        self.inner_key, self.inner = self._make("Acme servers", self.root, self.key)

    def _make(self, name, issuer, issuer_key):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = self._builder(subject, issuer.subject if issuer else subject, key, -1, 365)
        built = built.add_extension(x509.BasicConstraints(True, None), critical=True)
        return key, built.sign(issuer_key or key, hashes.SHA256())

    def _builder(self, subject, issuer, key, first_day, last_day):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + dt.timedelta(days=first_day))
            .not_valid_after(NOW + dt.timedelta(days=last_day))
        )

    def leaf(self, folder, name=NAME, first_day=-1, last_day=90, chain=True, password=None):
        """Write a certificate and its key; return their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = self._builder(subject, self.inner.subject, key, first_day, last_day).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        certificates = [built.sign(self.inner_key, hashes.SHA256()), *([self.inner] if chain else [])]
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
        (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        (folder / "roots.pem").write_bytes(self.root.public_bytes(Encoding.PEM))
        return folder / "chain.pem", folder / "key.pem", folder / "roots.pem"


@pytest.fixture(scope="module")
def authority():
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Authority()


def test_a_certificate_that_fits_is_taken(authority, tmp_path):
    chain, key, roots = authority.leaf(tmp_path)
    done = tls(tmp_path, "check", chain, key, NAME, roots)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"name": "other.test"}, "not good for exam.test, but for: DNS:other.test"),
        ({"first_day": -40, "last_day": -3}, "it expired on"),
        ({"first_day": 3}, "not good before"),
        ({"chain": False}, "does not lead to a known authority"),
        ({"password": b"secret"}, "protected by a passphrase"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_wrong_is_said(authority, tmp_path, how, said):
    chain, key, roots = authority.leaf(tmp_path, **how)
    done = tls(tmp_path, "check", chain, key, NAME, roots)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())


def test_everything_that_is_wrong_is_said_at_once(authority, tmp_path):
    (tmp_path / "other").mkdir()
    _, key, _ = authority.leaf(tmp_path / "other")
    chain, _, _ = authority.leaf(tmp_path, name="other.test", last_day=-0.5)
    done = tls(tmp_path, "check", chain, key, NAME)
    for said in ("the key does not fit", "not good for exam.test", "it expired on"):
        assert said in done.stderr


def test_a_root_that_nobody_was_told_of_is_named(authority, tmp_path):
    chain, key, _ = authority.leaf(tmp_path)
    done = tls(tmp_path, "check", chain, key, NAME)
    assert "a root of your own goes into tls_roots" in done.stderr
    assert "Acme servers" in done.stderr


def test_what_is_no_certificate_is_refused(tmp_path):
    (tmp_path / "text").write_text("no certificate")
    assert "cannot be read" in tls(tmp_path, "check", tmp_path / "none", tmp_path / "none", NAME).stderr
    assert "holds no certificate" in tls(tmp_path, "check", tmp_path / "text", tmp_path / "text", NAME).stderr


def made(folder, names):
    """What the role does, on one host or two."""
    tls(folder, "authority", NAME)
    request = tls(folder, "request", names).stdout
    if request:
        certificate = tls(folder, "sign", names, stdin=request).stdout
        done = tls(folder, "take", names, stdin=certificate)
        assert done.stdout.strip() == "made", done.stderr
    return bool(request)


def test_an_own_certificate_is_made_once_and_is_good(tmp_path):
    assert made(tmp_path, f"{NAME} 10.0.0.1 fd00::1")
    assert not made(tmp_path, f"{NAME} 10.0.0.1 fd00::1")
    found = tls(tmp_path, "check", tmp_path / "kustos.crt", tmp_path / "kustos.key", NAME, tmp_path / "authority.crt")
    assert (found.returncode, found.stderr) == (0, "")
    certificate = x509.load_pem_x509_certificate((tmp_path / "kustos.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "fd00::1"]
    assert (tmp_path / "kustos.key").stat().st_mode & 0o777 == 0o600
    assert made(tmp_path, f"{NAME} 10.0.0.2")  # another address, another certificate


def test_the_timer_renews_in_time_and_not_before(tmp_path):
    settings = tmp_path / "tls.env"
    settings.write_text(f"TLS_SOURCE=own\nTLS_NAMES='{NAME}'\nTLS_DAYS=20\nTLS_RENEW_DAYS=30\n")
    made(tmp_path, NAME)
    first = (tmp_path / "kustos.crt").read_bytes()
    settings.write_text(f"TLS_SOURCE=own\nTLS_NAMES='{NAME}'\nTLS_DAYS=397\nTLS_RENEW_DAYS=30\n")
    assert tls(tmp_path, "renew").returncode == 0
    second = (tmp_path / "kustos.crt").read_bytes()
    assert second != first
    assert tls(tmp_path, "renew").returncode == 0
    assert (tmp_path / "kustos.crt").read_bytes() == second
    left = re.search(r"good for (\d+) days", tls(tmp_path, "show").stdout)
    assert left[1] in ("396", "397"), "whole days: 397 within the second in which it was made"


def test_a_certificate_that_nobody_can_renew_makes_the_unit_fail(authority, tmp_path):
    """A customer's one, two weeks before its end: `systemctl --failed` shows it."""
    chain, key, _ = authority.leaf(tmp_path, last_day=14)
    chain.rename(tmp_path / "kustos.crt")
    key.rename(tmp_path / "kustos.key")
    (tmp_path / "tls.env").write_text(f"TLS_SOURCE=given\nTLS_NAMES={NAME}\nTLS_RENEW_DAYS=30\n")
    done = tls(tmp_path, "renew")
    assert done.returncode == 1
    assert "with a new tls_certificate" in done.stderr
