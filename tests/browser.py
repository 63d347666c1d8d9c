"""A browser for tests of pages: Chromium of the system, driven by Playwright."""

import shutil
import time
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def require_browser():
    """The path of a browser; the tests of the module are skipped where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(
            "there is no Chromium or Chrome to open the page in; `make browser` as root installs "
            "it on Debian"
        )
    return found


@contextmanager
def open_browser(*arguments):
    """Start a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_browser(), args=arguments)
        yield browser
        browser.close()


def watch(page):
    """A list that gets what the console says, errors, and addresses that the page asks for."""
    seen = []
    page.set_default_timeout(20_000)
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda request: seen.append(request.url))
    return seen


def wait_until(frame, expression, seconds=20):
    """Wait until an expression of JavaScript is true, also where the page allows no ``eval``."""
    end = time.monotonic() + seconds
    while not frame.evaluate(expression):
        assert time.monotonic() < end, f"still not true: {expression}"
        time.sleep(0.05)
