"""A real Chromium for tests; where none is found they are skipped, or fail under DAYBREAK_REQUIRE_BROWSER=1."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync
""".split()


def chromium() -> str:
    """Where a Chromium is installed; skips the test (or fails it, where one is required) if nowhere."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    reason = f"no Chromium found on PATH (looked for {', '.join(NAMES)}): install one to run browser tests"
    if os.environ.get("DAYBREAK_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A running browser."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def browser_page(
    *, width: int = 1280, height: int = 800, zone: str = "Europe/Berlin", dark: bool = False
) -> Iterator[Page]:
    """A fresh page in a browser of its own."""
    with (
        open_browser() as browser,
        new_page(browser, width=width, height=height, zone=zone, dark=dark) as page,
    ):
        yield page


@contextmanager
def new_page(
    browser: Browser, *, width: int = 1280, height: int = 800, zone: str = "Europe/Berlin", dark: bool = False
) -> Iterator[Page]:
    """A fresh page, with no cookies of another."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        timezone_id=zone,
        color_scheme="dark" if dark else "light",
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def complaints(page: Page) -> list[str]:
    """A list that fills with what the page's console has to complain about."""
    found: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(message.text)

    page.on("console", console)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found
