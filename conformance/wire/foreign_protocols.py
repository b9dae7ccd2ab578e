"""What a server speaks if it is not HTTP/1.1 over the transport that the URL asks for, and what to do about it.

Sources: the alerts of TLS, RFC 8446, section 6; ALPN, RFC 7301, section 3.2; the frames of HTTP/2 and the preface of a
server, RFC 9113, sections 3.4 and 4.1; the verification errors of OpenSSL, X509_STORE_CTX_get_error(3).
"""

from __future__ import annotations

import ssl

FIRST_BYTES = 16
"""How many bytes at the beginning of an answer tell the protocol."""
_TLS_CONTENT_TYPES = frozenset({20, 21, 22, 23})
_FRAME_HEADER_BYTES, _SETTINGS, _GOAWAY = 9, 4, 7
USE_HTTP1 = "the requests are HTTP/1.1, as SDKs send it: switch that on at the server, or test it through a proxy"
_ALL_CERTIFICATES = "; or pass --insecure, which takes any certificate"
_CERTIFICATE_ERRORS = {
    "the certificate is not valid yet; check the clocks of both machines" + _ALL_CERTIFICATES: (9,),
    "the certificate has expired; renew it" + _ALL_CERTIFICATES: (10,),
    "the certificate is self-signed; pass it with --ca-bundle FILE, or pass --insecure": (18,),
    "the certificate is from an authority that is not trusted here; "
    "name your authority with --ca-bundle FILE, or pass --insecure": (19,),
    "the certificate's issuer is not known: the server does not send an intermediate certificate, or the authority is "
    "not trusted here; let it send the whole chain, name your authority with --ca-bundle FILE, or pass --insecure": (
        2, 20, 21,
    ),
    "the certificate is for another host; use a name that it is for" + _ALL_CERTIFICATES: (62,),
    "the certificate is not for this IP address; use a name that it is for" + _ALL_CERTIFICATES: (64,),
}  # fmt: skip
_CERTIFICATE_ERRORS_BY_CODE = {code: text for text, codes in _CERTIFICATE_ERRORS.items() for code in codes}
_OTHER_CERTIFICATE_ERROR = "the certificate can't be trusted; name your authority with --ca-bundle FILE, or --insecure"
_HANDSHAKE_ERRORS = {
    "NO_APPLICATION_PROTOCOL": f"the server wants another protocol than HTTP/1.1, such as HTTP/2 alone; {USE_HTTP1}",
    "WRONG_VERSION_NUMBER": "the server does not answer with TLS: the port speaks plain HTTP, or something else; "
    "write http:// in the URL if so",
    "CERTIFICATE_REQUIRED": "the server wants a certificate of the client, and the suite sends none; test it without",
    "PROTOCOL_VERSION": "the server speaks no version of TLS that is safe; let it speak TLS 1.2 or 1.3",
    "UNSUPPORTED_PROTOCOL": "the server speaks no version of TLS that is safe; let it speak TLS 1.2 or 1.3",
    "HANDSHAKE_FAILURE": "the server refuses all versions, ciphers and certificates that the suite offers",
    "UNRECOGNIZED_NAME": "the server has no certificate for this name; use a name that it serves",
}
"""What reasons of OpenSSL mean, by a part of them; names of alerts come with the version of TLS before them."""
_SAME_REASONS = ("PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNEXPECTED_MESSAGE")
"""What some versions of OpenSSL say, too, when the answer is not TLS."""


def describe_tls_error(error: BaseException) -> str:
    """Why a TLS handshake failed, what to do, and the library's own words in parentheses."""
    if isinstance(error, ssl.SSLCertVerificationError):
        meaning = _CERTIFICATE_ERRORS_BY_CODE.get(error.verify_code, _OTHER_CERTIFICATE_ERROR)
        return f"{meaning} (certificate verify failed: {error.verify_message})"
    reason = _reason(error)
    key = "WRONG_VERSION_NUMBER" if reason in _SAME_REASONS else reason
    meaning = next((text for part, text in _HANDSHAKE_ERRORS.items() if part in key), "")
    words = reason.lower().replace("_", " ") or str(error) or "the connection was closed during the handshake"
    return f"{meaning} ({words})" if meaning else words


def asks_for_client_certificate(error: BaseException) -> bool:
    """Whether an error says that a certificate of the client is missing; TLS 1.3 says so after the handshake."""
    return "CERTIFICATE_REQUIRED" in _reason(error)


def _reason(error: BaseException) -> str:
    """The name of OpenSSL's reason, such as WRONG_VERSION_NUMBER; Python has none for some, only the words."""
    reason = getattr(error, "reason", None) or str(error).removeprefix("[SSL] ").partition(" (_ssl")[0]
    return str(reason).upper().replace(" ", "_")


def describe_first_bytes(data: bytes) -> str:
    """What an answer that begins with these bytes is, and what to do; nothing if they say nothing."""
    if len(data) > 2 and data[0] in _TLS_CONTENT_TYPES and data[1] == 3 and data[2] <= 4:
        return "it is TLS: write https:// in the URL"
    is_frame = len(data) >= _FRAME_HEADER_BYTES and data[3] in {_SETTINGS, _GOAWAY} and not any(data[5:9])
    return f"it is HTTP/2; {USE_HTTP1}" if is_frame or data.startswith((b"HTTP/2", b"PRI * HTTP/2")) else ""
