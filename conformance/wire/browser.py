"""A page in a real Chromium, from which requests are sent as a page of another site sends them.

The browser is the machine's own, driven by playwright; none is downloaded. Its profile and its home are temporary.
It reaches the page and the target and nothing else: all other names and ports lead nowhere.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from conformance.core.errors import InconclusiveError, UsageError
from conformance.core.model import Exchange, Response, TransportFailure
from conformance.wire.page_server import serve_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import ConsoleMessage, Page
    from playwright.async_api import Request as PageRequest
    from playwright.async_api import Response as PageResponse

    from conformance.core.model import Request
    from conformance.wire.redaction import Redactor
    from conformance.wire.target import TargetAddress

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FETCH = """async ({url, method, headers, body, keepalive, timeout}) => {
  const bytes = Uint8Array.from(atob(body), each => each.charCodeAt(0));
  try {
    const signal = AbortSignal.timeout(timeout);
    const answer = await fetch(url, {method, headers, body: bytes, keepalive, signal, credentials: "omit"});
    return {status: answer.status, headers: [...answer.headers], body: await answer.text()};
  } catch (error) {
    return {error: error.name};
  }
}"""
_BEACON = """({url, type, body}) => {
  const bytes = Uint8Array.from(atob(body), each => each.charCodeAt(0));
  return navigator.sendBeacon(url, new Blob([bytes], {type}));
}"""
_START_S, _CLOSE_S, _REASON_S, _SPARE_S = 30.0, 10.0, 0.5, 5.0
"""How long Chromium may take to start, to end, to say why a request failed, and for what is not the request."""
_MAX_REASON_LENGTH = 400
_FAILURES = {
    "ERR_CERT": TransportFailure.TLS,
    "ERR_SSL": TransportFailure.TLS,
    "ERR_NAME_NOT_RESOLVED": TransportFailure.UNREACHABLE,
    "ERR_CONNECTION_REFUSED": TransportFailure.UNREACHABLE,
    "ERR_ADDRESS": TransportFailure.UNREACHABLE,
}
"""What is not about what the browser lets pages do, by a part of Chromium's name for it."""


def find_chromium(needed_by: str = "--browser") -> str:
    """The path of a Chromium on this machine. Raises UsageError if there is none, or no playwright to drive it."""
    try:
        import playwright.async_api  # noqa: F401, PLC0415 - an optional extra, which few runs need
    except ImportError:
        raise UsageError(f"{needed_by} needs playwright: pip install 'ingest-conformance[browser]'") from None
    named = os.environ.get("CHROMIUM")
    path = shutil.which(named) if named else next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise UsageError(
            f"{needed_by} needs Chromium or Chrome: install it (on Debian: apt-get install chromium), or name one in "
            "the environment variable CHROMIUM"
        )
    return path


@dataclass(kw_only=True)  # playwright keeps things in the instance whose methods it calls
class BrowserPage:
    """A page of ours, on an origin of its own on this machine. One request at a time."""

    page: Page
    target: TargetAddress
    redactor: Redactor
    deadline_s: float
    _answers: asyncio.Queue[PageResponse | str] = field(default_factory=asyncio.Queue)
    _complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Takes note of answers that scripts do not see, and of what the browser says about failures."""
        self.page.on("console", self._hear)
        self.page.on("response", self._see)
        self.page.on("requestfailed", self._lose)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complaints.append(message.text)

    def _see(self, response: PageResponse) -> None:
        if response.request.resource_type == "ping":
            self._answers.put_nowait(response)

    def _lose(self, request: PageRequest) -> None:
        self._complaints.append(request.failure or "")
        if request.resource_type == "ping":
            self._answers.put_nowait(request.failure or "")

    def _url_of(self, request: Request) -> str:
        query = f"?{urlencode(request.query)}" if request.query else ""
        return f"{self.target.scheme}://{self.target.authority}{self.target.prefix}{request.path}{query}"

    async def fetch(self, request: Request, *, keepalive: bool = False) -> Exchange:
        """What a page sees of a request that it sends with fetch; no response where it sees a failed connection."""
        self._complaints.clear()
        async with asyncio.timeout(self.deadline_s + _SPARE_S):
            seen: dict[str, Any] = await self.page.evaluate(
                _FETCH,
                {
                    "url": self._url_of(request),
                    "method": request.method,
                    "headers": [list(pair) for pair in request.headers],
                    "body": base64.b64encode(request.body).decode(),
                    "keepalive": keepalive,
                    "timeout": int(self.deadline_s * 1000),
                },
            )
        if seen.get("error") == "TimeoutError":
            return self._exchange(request, failure=TransportFailure.TIMEOUT, detail=self._late)
        if "error" in seen:
            return await self._failed(request)
        headers = tuple((name, value) for name, value in seen["headers"])
        return self._exchange(request, Response(status=seen["status"], headers=headers, body=seen["body"].encode()))

    async def send_beacon(self, request: Request) -> Exchange:
        """The status with which a beacon is answered, which no page sees. A beacon has no headers but its type."""
        self._complaints.clear()
        kind = next((value for name, value in request.headers if name.lower() == "content-type"), "")
        body = base64.b64encode(request.body).decode()
        try:
            async with asyncio.timeout(self.deadline_s):
                is_queued = await self.page.evaluate(
                    _BEACON, {"url": self._url_of(request), "type": kind, "body": body}
                )
                answer = await self._answers.get() if is_queued else "sendBeacon did not take it"
        except TimeoutError:
            return self._exchange(request, failure=TransportFailure.TIMEOUT, detail=self._late)
        if isinstance(answer, str):
            return await self._failed(request)
        headers = tuple((await answer.all_headers()).items())
        return self._exchange(request, Response(status=answer.status, headers=headers))

    @property
    def _late(self) -> str:
        return f"the page had no answer within {self.deadline_s:g} s"

    async def _failed(self, request: Request) -> Exchange:
        """The exchange of a request that failed in the page, with what the browser says about it."""
        if not self._complaints:
            await asyncio.sleep(_REASON_S)
        reason = max(self._complaints, key=len, default="Chromium does not say why")[:_MAX_REASON_LENGTH]
        said = " ".join(self._complaints)
        failure = next((kind for name, kind in _FAILURES.items() if name in said), TransportFailure.CLOSED)
        return self._exchange(request, failure=failure, detail=f"the page saw a failed connection: {reason}")

    def _exchange(
        self,
        request: Request,
        response: Response | None = None,
        *,
        failure: TransportFailure | None = None,
        detail: str = "",
    ) -> Exchange:
        """The exchange without secrets."""
        return Exchange(
            request=self.redactor.redact_request(request),
            url=f"{self.target.scheme}://{self.target.authority}{self.target.prefix}{request.path}",
            response=self.redactor.redact_response(response) if response else None,
            failure=failure,
            failure_detail=self.redactor.redact_text(detail),
        )


def _only_reachable(target: TargetAddress, page_port: int) -> str:
    """Rules by which names lead to the page, to the target at the address that was looked up once, or nowhere."""
    address = target.addresses[0] if target.addresses else "~NOTFOUND"
    place = f"[{address}]" if ":" in address else address
    host = f"[{target.host.partition('%')[0]}]" if ":" in target.host else target.host
    rules = (
        f"MAP 127.0.0.1:{page_port} 127.0.0.1:{page_port}",
        f"MAP {host}:{target.port} {place}:{target.port}" if target.addresses else f"MAP {host} ~NOTFOUND",
        "MAP * ~NOTFOUND",
    )
    return ",".join(rules)


@contextlib.asynccontextmanager
async def open_page(
    chromium: str, target: TargetAddress, redactor: Redactor, deadline_s: float
) -> AsyncIterator[BrowserPage]:
    """A page in a Chromium that ends with it. Raises InconclusiveError if Chromium does not start."""
    from playwright.async_api import Error, async_playwright  # noqa: PLC0415 - an optional extra

    is_root = getattr(os, "geteuid", lambda: 1)() == 0
    with tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True) as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CONFORMANCE_")}
        environment |= {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
        async with serve_page() as port, async_playwright() as playwright:
            try:
                browser = await playwright.chromium.launch(
                    executable_path=chromium,
                    chromium_sandbox=not is_root,  # root has no sandbox
                    args=["--no-proxy-server", f"--host-resolver-rules={_only_reachable(target, port)}"],
                    env=dict(environment),
                    timeout=_START_S * 1000,
                    handle_sigint=False,
                    handle_sigterm=False,
                    handle_sighup=False,
                )
                context = await browser.new_context(ignore_https_errors=target.is_unverified)
                page = await context.new_page()
                await page.goto(f"http://127.0.0.1:{port}/")
            except Error as error:
                raise InconclusiveError(f"Chromium does not start: {error.message.splitlines()[0]}") from None
            opened = BrowserPage(page=page, target=target, redactor=redactor, deadline_s=deadline_s)
            opened.listen()
            try:
                yield opened
            finally:
                with contextlib.suppress(Error, TimeoutError):
                    async with asyncio.timeout(_CLOSE_S):
                        await browser.close()
