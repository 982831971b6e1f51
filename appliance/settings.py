"""The settings: one table, read once into a frozen object. Nothing else reads the environment.

Order: the default in the table, then the file (TOML, flat ``name = value``) named by ``KUSTOS_SETTINGS``, then the
environment variable ``KUSTOS_<NAME>``.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from appliance.errors import SettingInvalid


class Setting(NamedTuple):
    """One row: how a text or TOML value becomes the attribute, its default, and why it exists."""

    convert: Callable[[Any], Any]
    default: Any
    reason: str


def _whole(value: Any) -> int:
    return int(str(value))


def _number(value: Any) -> float:
    return float(str(value))


def _flag(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    return words[str(value).lower()]


def _list(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else str(value).split(",")
    return tuple(str(item).strip() for item in items if str(item).strip())


def port_range(text: str) -> tuple[int, int]:
    """``40000-49999``; ValueError for anything else."""
    first, separator, last = text.partition("-")
    if not separator or not first.isdigit() or not last.isdigit() or not 1024 <= int(first) <= int(last) <= 65535:
        raise ValueError(f"'{text}' is no range of ports; it looks like 40000-49999")
    return int(first), int(last)


def _ports(value: Any) -> str:
    text = str(value).strip()
    if text:
        port_range(text)
    return text


def _master_kind(value: Any) -> str:
    if value not in {"", "file", "passphrase", "tpm", "pkcs11"}:
        raise ValueError(value)
    return str(value)


def _path(value: Any) -> Path:
    return Path(str(value)).expanduser().resolve()


OF_THE_SYSTEM = {"credentials_dir": "CREDENTIALS_DIRECTORY"}
"""Settings that systemd gives by variables of its own (systemd.exec(5)), unless we are told otherwise."""

SETTINGS: dict[str, Setting] = {
    "data_dir": Setting(_path, ".data", "everything that must survive a restart lives below it"),
    "database_url": Setting(str, "", "postgresql+psycopg://…; `kustos up` fills in its embedded server"),
    "public_url": Setting(str, "http://localhost:8080", "the one origin people type; links are made from it"),
    "secret_key": Setting(str, "", "signs session cookies and live tokens; `kustos up` makes one and keeps it"),
    "web_listen": Setting(str, "127.0.0.1:6543", "where gunicorn listens behind nginx"),
    "gateway_listen": Setting(str, "127.0.0.1:6544", "where the gateway listens behind nginx"),
    "proxy_addresses": Setting(
        _list, (), "addresses of nginx on other hosts, believed of whom they speak; this machine's always is"
    ),
    "kurento_urls": Setting(_list, ("ws://127.0.0.1:8888/kurento",), "media nodes; a real Kurento goes here"),
    "recordings_dir": Setting(str, "", "where nodes write parts; empty: data_dir/recordings"),
    "ice_ports": Setting(_ports, "", "ports of the embedded node, as 40000-49999 for a firewall; empty: any"),
    "rtp_host": Setting(str, "127.0.0.1", "the address at which a node can reach this worker's frame tap"),
    "rtp_ports": Setting(_ports, "", "UDP ports of this worker's taps, as 50000-50199 for a firewall; empty: any"),
    "time_server": Setting(str, "", "host[:port] of a time server to compare this machine's clock with in checks"),
    "stun_urls": Setting(_list, (), "STUN servers told to browsers; empty on a closed network"),
    "turn_urls": Setting(_list, (), "TURN servers told to browsers"),
    "turn_secret": Setting(str, "", "coturn's static-auth-secret for time-limited credentials"),
    "metrics_listen": Setting(
        str, "", "unix:/path or host:port of this process's figures and health, each has its own; empty: nowhere"
    ),
    "session_minutes": Setting(_whole, 720, "a staff session ends after this, working or not"),
    "idle_minutes": Setting(_whole, 60, "a staff session without a request ends after this"),
    "login_attempts": Setting(_whole, 5, "failed log-ins before an account is locked"),
    "lock_minutes": Setting(_whole, 15, "a page that nobody touched for this long asks who is there"),
    "proof_minutes": Setting(_whole, 10, "so long after a second factor was shown dangerous acts need no other"),
    "invitation_hours": Setting(_number, 72.0, "a link to a new account can be followed so long"),
    "reset_hours": Setting(_number, 4.0, "a link to a new password can be followed so long"),
    "lockout_minutes": Setting(_whole, 15, "how long it stays locked"),
    "live_token_seconds": Setting(_whole, 60, "a socket must say hello within this time of asking for a token"),
    "photo_max_bytes": Setting(_whole, 8 * 1024 * 1024, "a phone's JPEG is 2 to 5 MB"),
    "interrupted_minutes": Setting(_whole, 30, "a running sitting without its candidate is ended after this"),
    "worker_concurrency": Setting(_whole, 8, "live analyses one worker process takes at a time"),
    "heartbeat_seconds": Setting(_number, 1.0, "how often a worker says it is alive"),
    "takeover_seconds": Setting(_number, 5.0, "silence after which another worker takes over its jobs"),
    "analysis_fps": Setting(_number, 2.0, "pictures a second looked at per sitting"),
    "antispoof_model": Setting(
        str, "", "ONNX file of the customer's own, MiniFASNetV2 layout, asked at the liveness challenge; empty: none"
    ),
    "phone_model": Setting(
        str, "", "a detector file of the customer's own (.tflite or .onnx) for phones and books; empty: none"
    ),
    "disk_reserve_mb": Setting(
        _whole, 2048, "so much must be left when all sittings are over, or no new one is admitted"
    ),
    "export_hours": Setting(_number, 72.0, "an export is destroyed after this; faces must not lie about longer"),
    "exports_per_sitting": Setting(_whole, 3, "exports of one sitting that exist at once; each is as large as it"),
    "check_days": Setting(_whole, 90, "checks of the whole appliance are kept so long, for tickets"),
    "hand_in_hours": Setting(_whole, 72, "so long after its end a sitting takes in what the browser recorded itself"),
    "hand_in_mb": Setting(_whole, 600, "of one sitting: 10 minutes of both tracks, several times, are 90 each"),
    "siem_url": Setting(
        str, "", "where the audit log is copied: udp://, tcp://, tls://host:port, unix:///dev/log or journald://"
    ),
    "siem_format": Setting(str, "rfc5424", "of the copies: rfc5424 (structured data) or cef"),
    "siem_ca_file": Setting(str, "", "PEM of the authority of the collector's certificate; empty: the system's"),
    "outgoing_private_hosts": Setting(
        _list, (), "names or networks of the house that may be asked although private (LMS, log-in provider)"
    ),
    "outgoing_http": Setting(_flag, False, "other systems may be asked by http:, which can be read on the way"),
    "master_key": Setting(
        _master_kind, "", "file, passphrase, tpm or pkcs11; empty: as it is, a key file at the first start"
    ),
    "master_passphrase_file": Setting(str, "", "file with the master key's passphrase; empty: systemd's credential"),
    "credentials_dir": Setting(str, "", "where systemd puts credentials; empty: as it says by itself"),
    "pkcs11_module": Setting(str, "", "the library that the token's vendor gives, for master_key = pkcs11"),
    "pkcs11_token": Setting(str, "", "the token's label"),
    "pkcs11_pin_file": Setting(str, "", "file (mode 0600) with the token's PIN"),
    "pkcs11_key": Setting(str, "kustos-master", "what labels of master keys in the token begin with"),
    "tpm_tcti": Setting(str, "", "how the TPM is reached; empty: /dev/tpmrm0, as its tools choose"),
    "tpm_pcrs": Setting(str, "sha256:7", "registers that a master key in the TPM is bound to; 7 is secure boot"),
    "backup_target": Setting(str, "", "where backups go: a folder on another medium, or s3://bucket/prefix"),
    "backup_keys": Setting(str, "", "folder of the backups' keys, on a medium apart from them"),
    "backup_days": Setting(_whole, 14, "backups older than this are destroyed; names of erased people end with them"),
    "backup_spool_mb": Setting(
        _whole, 20_480, "so much of the database's log waits here while the target is away, then a full backup is due"
    ),
    "backup_s3_endpoint": Setting(str, "", "https://… of the house's own S3 (MinIO, Ceph); empty: Amazon's"),
    "backup_s3_region": Setting(str, "us-east-1", "the bucket's region; most S3 of a house do not ask"),
    "backup_s3_credentials_file": Setting(str, "", "TOML file with key_id and secret, not readable for others"),
    "backup_s3_ca_file": Setting(str, "", "PEM of the authority of the S3's certificate; empty: the system's"),
    "demo": Setting(_flag, False, "the demo page and its accounts exist only with this"),
}
"""Every setting there is. The third column is the reason it exists."""


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The settings of this process; frozen, so that no part can change another's."""

    data_dir: Path
    database_url: str
    public_url: str
    secret_key: str
    web_listen: str
    gateway_listen: str
    proxy_addresses: tuple[str, ...]
    kurento_urls: tuple[str, ...]
    recordings_dir: str
    ice_ports: str
    rtp_host: str
    rtp_ports: str
    time_server: str
    stun_urls: tuple[str, ...]
    turn_urls: tuple[str, ...]
    turn_secret: str
    metrics_listen: str
    session_minutes: int
    idle_minutes: int
    login_attempts: int
    lock_minutes: int
    proof_minutes: int
    invitation_hours: float
    reset_hours: float
    lockout_minutes: int
    live_token_seconds: int
    photo_max_bytes: int
    interrupted_minutes: int
    worker_concurrency: int
    heartbeat_seconds: float
    takeover_seconds: float
    analysis_fps: float
    antispoof_model: str
    phone_model: str
    disk_reserve_mb: int
    check_days: int
    hand_in_hours: int
    hand_in_mb: int
    export_hours: float
    exports_per_sitting: int
    siem_url: str
    siem_format: str
    siem_ca_file: str
    outgoing_private_hosts: tuple[str, ...]
    outgoing_http: bool
    master_key: str
    master_passphrase_file: str
    credentials_dir: str
    pkcs11_module: str
    pkcs11_token: str
    pkcs11_pin_file: str
    pkcs11_key: str
    tpm_tcti: str
    tpm_pcrs: str
    backup_target: str
    backup_keys: str
    backup_days: int
    backup_spool_mb: int
    backup_s3_endpoint: str
    backup_s3_region: str
    backup_s3_credentials_file: str
    backup_s3_ca_file: str
    demo: bool

    @property
    def recordings(self) -> Path:
        """Folder in which media nodes write parts before they are sealed."""
        return Path(self.recordings_dir) if self.recordings_dir else self.data_dir / "recordings"

    @property
    def vault(self) -> Path:
        """Folder of sealed files."""
        return self.data_dir / "vault"

    @property
    def hand_ins(self) -> Path:
        """Folder of what candidates' browsers hand in, until it is sealed or refused."""
        return self.data_dir / "hand_ins"

    @property
    def keys(self) -> Path:
        """Folder of keys; backed up apart from everything else."""
        return self.data_dir / "keys"

    @property
    def manifests(self) -> Path:
        """Folder of the signed manifests of sittings, beside those in the database."""
        return self.data_dir / "manifests"

    @property
    def master_key_file(self) -> Path:
        """File with the first key that wraps all others."""
        return self.data_dir / "keys" / "master.key"

    @property
    def evidence_key_file(self) -> Path:
        """File with the wrapped key that signs exports."""
        return self.data_dir / "keys" / "evidence.key"

    @property
    def audit_key_file(self) -> Path:
        """File with the wrapped key that signs the audit log's checkpoints, segments and exports."""
        return self.data_dir / "keys" / "audit.key"

    @property
    def backup_keys_folder(self) -> Path:
        """Folder of the wrapped keys under which backups of the database lie, one for each full backup."""
        return self.data_dir / "keys" / "backup"

    @property
    def backup_work(self) -> Path:
        """Folder of the database's log until it is in the backup, and of restores under way."""
        return self.data_dir / "backup"

    @property
    def backup_stamp_file(self) -> Path:
        """File that says when a backup last did its part, for monitoring."""
        return self.data_dir / "backup.json"

    @property
    def audit(self) -> Path:
        """Folder of what vouches for the audit log outside the database."""
        return self.data_dir / "audit"

    def __repr__(self) -> str:
        """Show no secret, wherever a log may print this."""
        return f"<Settings data_dir={self.data_dir} public_url={self.public_url}>"


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read the table's values; raise ``SettingInvalid`` that names key and place of a wrong or unknown one."""
    env = os.environ if environ is None else environ
    path = env.get("KUSTOS_SETTINGS", "")
    in_file = _read_file(path)
    values: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        variable = f"KUSTOS_{name.upper()}"
        if name in overrides:
            raw, place = overrides[name], "the command line"
        elif variable in env:
            raw, place = env[variable], f"environment variable {variable}"
        elif name in in_file:
            raw, place = in_file[name], path
        elif OF_THE_SYSTEM.get(name, "") in env:
            raw, place = env[OF_THE_SYSTEM[name]], f"environment variable {OF_THE_SYSTEM[name]}"
        else:
            raw, place = setting.default, "the default"
        try:
            values[name] = setting.convert(raw) if not isinstance(raw, tuple) else raw
        except (ValueError, KeyError) as error:
            raise SettingInvalid(f"{name} in {place}: {raw!r} is not valid ({setting.reason})") from error
    return Settings(**{field.name: values[field.name] for field in fields(Settings)})


def _read_file(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingInvalid(f"{path}: cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid(f"{path}: is not valid TOML ({error})") from error
    unknown = sorted(set(content) - set(SETTINGS))
    if unknown:
        raise SettingInvalid(f"{path}: unknown setting {unknown[0]}; known are {', '.join(SETTINGS)}")
    return content
