"""Headless Chromium for tests, and what goes wrong on a page while it is looked at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Response, sync_playwright

WIDTHS = {"desktop": 1280, "telephone": 390}
"""Widths of windows in CSS pixels."""
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_REPORT_VIOLATIONS = """document.addEventListener("securitypolicyviolation", event =>
    console.error(`${event.violatedDirective} blocked ${event.blockedURI}`))"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium; skips the test where there is none. It may play without a click."""
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("chromium not found: apt-get install chromium")
    # Tests may run as root, for whom Chromium has no sandbox; it opens pages of our own alone.
    options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=options)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Window:
    """A page that is looked at. `faults` are what its console, its scripts and its requests report."""

    page: Page
    faults: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def statuses(self, path: str) -> list[tuple[str, int]]:
        """The `Range` that was asked for and the status, of each answer whose path begins so."""
        return [
            (one.request.headers.get("range", ""), one.status) for one in self.responses if path in one.url
        ]


@contextmanager
def window(
    browser: Browser, width: int = 1280, *, key: str | None = None, dark: bool = False
) -> Iterator[Window]:
    """A new window of this width, which sends `key` with every request where one is given."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        extra_http_headers={} if key is None else {"Authorization": f"Bearer {key}"},
    )
    context.add_init_script(_REPORT_VIOLATIONS)
    here = Window(context.new_page())

    def complained(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            here.faults.append(message.text)

    def failed(request: Request) -> None:
        # The browser itself gives up what it no longer needs: a player that has enough or goes on elsewhere
        # in the file, a picture of a page that is left.
        if request.failure != "net::ERR_ABORTED":
            here.faults.append(f"{request.url}: {request.failure}")

    def threw(error: Error) -> None:
        here.faults.append(str(error))

    here.page.on("console", complained)
    here.page.on("requestfailed", failed)
    here.page.on("pageerror", threw)
    here.page.on("response", lambda response: here.responses.append(response))
    try:
        yield here
    finally:
        context.close()
