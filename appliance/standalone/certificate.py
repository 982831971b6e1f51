"""A self-signed certificate, so that a browser on the LAN gives the camera: it does so only on https."""

import ipaddress
import socket
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.db import utcnow
from appliance.standalone.layout import write_private

VALID_DAYS = 397
"""Browsers refuse server certificates that are valid for longer than 398 days."""


def lan_address() -> str:
    """Return the address by which this machine is reached from outside, or loopback if it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: a datagram socket sends nothing on connect
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def ensure_certificate(folder: Path) -> tuple[Path, Path]:
    """Return the files of certificate and key; make them anew when missing, for another address or nearly expired."""
    certificate_file, key_file = folder / "lan.crt", folder / "lan.key"
    address = lan_address()
    if not (certificate_file.exists() and key_file.exists() and _serves(certificate_file, address)):
        _make(certificate_file, key_file, address)
    return certificate_file, key_file


def _serves(file: Path, address: str) -> bool:
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    fresh = certificate.not_valid_after_utc - utcnow() > timedelta(days=14)
    return fresh and ipaddress.ip_address(address) in names.get_values_for_type(x509.IPAddress)


def _make(certificate_file: Path, key_file: Path, address: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kustos on " + socket.gethostname()[:50])])
    addresses = {ipaddress.ip_address(address), ipaddress.ip_address("127.0.0.1")}
    names = [x509.DNSName("localhost"), *map(x509.IPAddress, sorted(addresses, key=str))]
    now = utcnow()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(key_file, pem.decode("ascii"))
    write_private(certificate_file, certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"))
