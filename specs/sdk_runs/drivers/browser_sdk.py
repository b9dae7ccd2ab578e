"""Sends events through a browser SDK on a page in a real Chromium, the one that CHROMIUM names.

`python browser_sdk.py MODULES FILE`, with a JSON script on standard input; FILE is the SDK's, below node_modules.
"""

import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

QUIET_S, MOST_S = 5.0, 45.0
"""How long no request may be seen until the SDK is taken to be through, and the most time for all of it."""
MODULES, FILE = Path(sys.argv[1]) / "node_modules", sys.argv[2]
MODULE = """<script type="module">import * as sdk from "/sdk/%s"; window.sdk = sdk; window.isReady = true</script>"""
SCRIPTS = """<script src="/sdk/%s"></script><script>window.isReady = true</script>"""
PAGE = "<!doctype html><title>Docs</title><script src='/driver.js'></script>" + (
    MODULE if FILE.endswith(".mjs") else SCRIPTS
)
SCRIPT = Path(__file__).with_name("browser_page.js")


class Site(BaseHTTPRequestHandler):
    """A site with one page and the files of the SDK."""

    def do_GET(self):
        """Sends the page, this driver's script, or a file of the SDK."""
        path = self.path.partition("?")[0]
        kind, content = "text/javascript", None
        folder, name = (MODULES / FILE).parent.resolve(), Path(FILE).name
        if path == "/docs":
            kind, content = "text/html", (PAGE % name).encode()
        elif path == "/driver.js":
            content = SCRIPT.read_bytes()
        elif path.startswith("/sdk/"):
            file = (folder / path.removeprefix("/sdk/")).resolve()
            content = file.read_bytes() if file.is_relative_to(folder) and file.is_file() else None
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_):
        """Keeps quiet."""


@contextlib.contextmanager
def site():
    """The URL of the page, for as long as the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/docs?tab=home"
    server.shutdown()


@contextlib.contextmanager
def chromium():
    """A page in a Chromium with a home of its own, which reaches this machine alone."""
    with (
        tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True) as home,
        sync_playwright() as own,
    ):
        browser = own.chromium.launch(
            executable_path=os.environ["CHROMIUM"],
            chromium_sandbox=os.geteuid() != 0,
            args=["--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"],
            env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home},
        )
        yield browser.new_context(locale="en-US", timezone_id="UTC").new_page()
        browser.close()


def main():
    """Sends what the script says, and waits until the SDK is quiet."""
    script = json.load(sys.stdin)
    errors = []
    started = last = time.monotonic()

    def seen(*_):
        nonlocal last
        last = time.monotonic()

    def said(message):
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            errors.append(message.text[:300])

    with site() as url, chromium() as page:
        page.on("request", seen)
        page.on("console", said)
        page.goto(url)
        page.wait_for_function("window.isReady")
        page.evaluate("script => window.send(script)", script)
        seen()
        wait_s = script.get("config", {}).get("waitMs", 0) / 1000
        while time.monotonic() < max(min(last + QUIET_S, started + MOST_S), started + wait_s):
            page.wait_for_timeout(100)
    sys.stdout.write(json.dumps({"success": not errors, "error": next(iter(errors), None), "errors": errors}) + "\n")


main()
