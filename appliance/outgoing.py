"""The one way for the appliance to ask another machine something by HTTP.

Whoever may type an address (of a webhook, of a log-in provider) must not make the appliance ask its own neighbours:
server-side request forgery (OWASP ASVS 5.0, 1.3.6; CWE-918). So a host is looked up once, each of its addresses is
judged, and the connection goes to the address that was judged, whatever the name says a moment later.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpx

from appliance.errors import OutgoingFailed, OutgoingRefused
from appliance.settings import Settings

IpAddress = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Host and port -> addresses; raises ``OSError``."""

TOTAL_SECONDS: Final = 20.0
"""From the first look-up to the last byte, redirects included: somebody's page waits for it."""
CONNECT_SECONDS: Final = 5.0
MOST_BYTES: Final = 1024 * 1024
"""Of an answer. A provider's keys have 5 KB, an LMS's word less."""
MOST_REDIRECTS: Final = 3

_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_HOUSE = [ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]
_NAT64 = ip_network("64:ff9b::/96")
_DROPPED = frozenset({"authorization", "cookie", "proxy-authorization"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})


@dataclass(frozen=True, slots=True)
class OutgoingPolicy:
    """Where requests may go."""

    private_hosts: tuple[str, ...] = ()
    """Names, addresses or networks in the house that may be asked although they are private. A name does not open
    what only this machine or its hypervisor answers (loopback, link-local): that takes the address itself."""
    plain_http: bool = False
    """Whether ``http:`` will do; what is sent and answered can then be read on the way."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other machine said."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: str
    """The last one, after redirects."""


def policy_of(settings: Settings, private_hosts: list[str] | tuple[str, ...] = ()) -> OutgoingPolicy:
    """Return the appliance's policy with the hosts that a company has added."""
    return OutgoingPolicy((*settings.outgoing_private_hosts, *private_hosts), settings.outgoing_http)


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, by this machine's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outgoing:
    """Asks, within a policy."""

    def __init__(
        self,
        policy: OutgoingPolicy,
        *,
        resolver: Resolver = resolve,
        trust: ssl.SSLContext | None = None,
        total_seconds: float = TOTAL_SECONDS,
        most_bytes: int = MOST_BYTES,
        most_redirects: int = MOST_REDIRECTS,
    ) -> None:
        """``trust``: the authorities believed; by default those of certifi."""
        self._policy = policy
        self._resolver = resolver
        self._trust = trust
        self._total_seconds = total_seconds
        self._most_bytes = most_bytes
        self._most_redirects = most_redirects

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        """Ask and wait; for threads without a loop. Raises as ``fetch``."""
        return asyncio.run(self.fetch(method, url, headers=headers, content=content))

    async def fetch(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        """Ask, following redirects that lead where the policy allows.

        Raises ``OutgoingRefused`` for an address that may not be asked, ``OutgoingFailed`` when there is no whole
        answer within the bounds of time and size. An answer of 4xx or 5xx is an answer.
        """
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._follow(method, _parse(url), httpx.Headers(headers), content)
        except TimeoutError:
            raise OutgoingFailed(f"There was no answer within {self._total_seconds:g} s.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise OutgoingFailed(f"The other side cannot be reached ({type(error).__name__}).") from error

    async def _follow(self, method: str, url: httpx.URL, headers: httpx.Headers, content: bytes | None) -> Answer:
        verify: ssl.SSLContext | bool = self._trust if self._trust is not None else True
        # trust_env: a proxy of the environment would look the name up itself, after we have judged it
        timeout = httpx.Timeout(self._total_seconds, connect=CONNECT_SECONDS)
        async with httpx.AsyncClient(verify=verify, trust_env=False, timeout=timeout) as client:
            for _hop in range(self._most_redirects + 1):
                answer = await self._ask(client, method, url, headers, content)
                target = answer.headers.get("Location")
                if answer.status not in _REDIRECTS or target is None:
                    return answer
                following = _parse(str(url.join(target)))
                if answer.status not in _KEEP_METHOD and method != "HEAD":
                    method, content = "GET", None
                if _origin(following) != _origin(url):
                    headers = httpx.Headers([(n, v) for n, v in headers.items() if n.lower() not in _DROPPED])
                url = following
        raise OutgoingFailed(f"The other side sends us on more than {self._most_redirects} times.")

    async def _ask(
        self, client: httpx.AsyncClient, method: str, url: httpx.URL, headers: httpx.Headers, content: bytes | None
    ) -> Answer:
        address = await self._judged_address(url)
        pinned = url.copy_with(host=str(address))
        sent = httpx.Headers(headers)
        sent["Host"] = url.netloc.decode("ascii")
        sent["Accept-Encoding"] = "identity"  # what is packed may unfold to anything
        request = client.build_request(
            method, pinned, headers=sent, content=content, extensions={"sni_hostname": url.raw_host.decode("ascii")}
        )
        response = await client.send(request, stream=True)
        client.cookies.clear()  # two names may share an address
        try:
            return Answer(response.status_code, response.headers, await self._read(response), str(url))
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise OutgoingFailed("The answer is packed, although that was not asked for.")
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > self._most_bytes:
                raise OutgoingFailed(f"The answer has more than {self._most_bytes} bytes.")
        return bytes(body)

    async def _judged_address(self, url: httpx.URL) -> IpAddress:
        """Return the one address to connect to; raise ``OutgoingRefused`` when any of the host's is forbidden."""
        if url.scheme == "http" and not self._policy.plain_http:
            raise OutgoingRefused(f"Only https: is allowed: {url}")
        literal = _literal(url.host)
        port = url.port or (443 if url.scheme == "https" else 80)
        found = [literal] if literal else [ip_address(a) for a in await self._resolver(url.host, port)]
        if not found:
            raise OutgoingFailed(f"{url.host} has no address.")
        for address in found:
            if not is_allowed(address, url.host, self._policy):
                raise OutgoingRefused(f"{url.host} is at {address}, which may not be asked.", host=url.host)
        return found[0]


def is_allowed(address: IpAddress, host: str, policy: OutgoingPolicy) -> bool:
    """Say whether a host at this address may be asked."""
    address = _real(address)
    names = [entry.lower() for entry in policy.private_hosts]
    networks = [network for entry in names if (network := _network(entry)) is not None]
    if any(address.version == network.version and address in network for network in networks):
        return True
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return address.is_global or host.lower().rstrip(".") in names


def is_host_rule(entry: str) -> bool:
    """Say whether an entry of ``private_hosts`` is a host name, or an address or network that is private."""
    network = _network(entry)
    if network is not None:
        return any(network.version == house.version and network.subnet_of(house) for house in _HOUSE)  # type: ignore[arg-type] # of one version
    return _HOST_NAME.fullmatch(entry) is not None and not entry.rpartition(".")[2].isdigit()


def _real(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 one only wraps: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    return wrapped or address


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise OutgoingRefused("This is no address of a web server.") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo:
        raise OutgoingRefused("The address must look like https://host/path, without a name or password in it.")
    return parsed


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _literal(host: str) -> IpAddress | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None
