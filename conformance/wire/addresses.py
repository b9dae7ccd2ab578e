"""Resolves a host once, and classifies its addresses: loopback, private, public, or a cloud's metadata service."""

from __future__ import annotations

import enum
import ipaddress
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class AddressScope(enum.StrEnum):
    """The widest scope of a host's addresses."""

    LOOPBACK = "loopback"
    PRIVATE = "private"
    PUBLIC = "public"
    METADATA = "metadata"
    UNRESOLVED = "nowhere"


_WIDEST_FIRST = (AddressScope.METADATA, AddressScope.PUBLIC, AddressScope.PRIVATE, AddressScope.LOOPBACK)
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.170.2", "169.254.170.23", "fd00:ec2::23",  # containers and pods of AWS
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
        "fe80::a9fe:a9fe",  # OpenStack
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure
    )
)  # fmt: skip
"""Where machines in a cloud ask for their own credentials."""
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""RFC 6052, section 2.1, and RFC 8215, section 4."""
_LOCAL_DOMAINS = ("localhost", "local", "internal", "test", "example", "invalid", "home.arpa", "lan")
"""No public name ends with these (RFC 6761, 6762 and 8375)."""


def resolve_host(host: str, port: int) -> tuple[tuple[str, ...], str]:
    """The addresses of a host, or the reason why it has none.

    A run resolves a host only once: a name that is loopback when permission is given and another machine when it is
    connected to would circumvent every permission.
    """
    try:
        address_infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        if f".{host.rstrip('.')}".endswith(".localhost"):  # RFC 6761, section 6.3, whether or not the resolver knows it
            return ("127.0.0.1",), ""
        return (), f"the host {host!r} does not resolve: {error.strerror}"
    except UnicodeError:
        return (), f"the host {host!r} is no name of a host"
    return tuple(dict.fromkeys(_with_zone(item[4]) for item in address_infos)), ""


def _with_zone(socket_address: tuple[object, ...]) -> str:
    """The address of a socket address, with its zone if it has one (RFC 4007, section 11)."""
    address, zone = str(socket_address[0]), socket_address[3] if len(socket_address) > 3 else 0
    return f"{address}%{zone}" if zone and "%" not in address else address


def widest_scope(addresses: tuple[str, ...]) -> AddressScope:
    """The widest scope of some addresses."""
    if not addresses:
        return AddressScope.UNRESOLVED
    scopes = {_scope_of(ipaddress.ip_address(address)) for address in addresses}
    return widest_of(scopes)


def widest_of(scopes: Collection[AddressScope]) -> AddressScope:
    """The widest of some scopes; UNRESOLVED if there is none else."""
    return next((scope for scope in _WIDEST_FIRST if scope in scopes), AddressScope.UNRESOLVED)


def scope_of_name(host: str) -> AddressScope:
    """The scope of a host that is only named, in a Host header: a name that could be public is.

    It is not resolved, because whoever gets the request may know other names.
    """
    try:
        return _scope_of(ipaddress.ip_address(host))
    except ValueError:
        name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return AddressScope.LOOPBACK
    is_local = "." not in name or name.endswith(tuple(f".{domain}" for domain in _LOCAL_DOMAINS))
    return AddressScope.PRIVATE if is_local else AddressScope.PUBLIC


def _scope_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> AddressScope:
    """The scope of an address. One that a relay or a translator takes elsewhere is public, whatever it wraps."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _scope_of(address.ipv4_mapped)
        if (wrapped := _wrapped_address(address)) is not None:
            return AddressScope.METADATA if wrapped in _METADATA_ADDRESSES else AddressScope.PUBLIC
        address = ipaddress.IPv6Address(int(address))  # without its zone
    if address in _METADATA_ADDRESSES:
        return AddressScope.METADATA
    if address.is_loopback:
        return AddressScope.LOOPBACK
    return AddressScope.PRIVATE if address.is_private or address.is_link_local else AddressScope.PUBLIC


def _wrapped_address(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an address of 6to4, Teredo or NAT64 leads to; None for any other."""
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    is_translated = any(address in network for network in _NAT64)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if is_translated else None
