# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Headless Chromium for the tests of the html report."""
import base64
import json
import os
import pathlib
import shutil
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

DESKTOP, PHONE = 1280, 360

# Every element with a text of its own: what it says, the contrast to what lies behind it, its size.
CONTRASTS = """
const parse = (c) => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const channel = (v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
function behind(node) {
	for (; node; node = node.parentElement) {
		const [r, g, b, a = 1] = parse(getComputedStyle(node).backgroundColor);
		if (a === 1)
			return [r, g, b];
	}
	return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
}
const list = [];
for (const node of document.querySelectorAll("body *")) {
	const own = [...node.childNodes].filter((n) => n.nodeType === 3)
		.map((n) => n.data.trim()).join("");
	const style = getComputedStyle(node);
	if (!own || !node.getClientRects().length || node.closest("script, style, option"))
		continue;
	let ink = style.color, ground = behind(node);
	if (node.closest(".mark")) {
		ink = style.webkitTextFillColor;
		ground = parse(style.color);
	} else if (node.closest("svg")) {
		const state = node.classList.contains("unhealthy") ? "unhealthy" : "healthy";
		const band = node.matches(".band-text") && document.querySelector(`.band.${state}`);
		ink = style.fill;
		ground = band ? parse(getComputedStyle(band).fill) : behind(node.closest("div"));
	}
	const [a, b] = [light(parse(ink)), light(ground)].sort((x, y) => y - x);
	list.push([own.slice(0, 40), (a + .05) / (b + .05), parseFloat(style.fontSize),
		   Number(style.fontWeight)]);
}
return list;
"""


class Browser:
    def __init__(self, folder):
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                         "--disable-dev-shm-usage", f"--user-data-dir={folder}/profile"):
            options.add_argument(argument)
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options,
                                       service=Service(shutil.which("chromedriver")))
        # pictures for people: HCTRACE_SCREENSHOTS names a folder that stays
        self.folder = pathlib.Path(os.environ.get("HCTRACE_SCREENSHOTS") or folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def close(self):
        self.driver.quit()

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def open(self, path, width=DESKTOP, dark=False, media="", script=True):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=width < 500)
        self.cdp("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.cdp("Emulation.setScriptExecutionDisabled", value=not script)
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(pathlib.Path(path).as_uri())

    def complaints(self):
        """What the console says of the page that was opened last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """What it fetched besides itself."""
        messages = [json.loads(entry["message"])["message"]
                    for entry in self.driver.get_log("performance")]
        urls = [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if url != self.driver.current_url and url != "data:,"]

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, value, patience_s=5):
        """What SCRIPT returns, as soon as it is VALUE, or at the end of our patience."""
        end = time.monotonic() + patience_s
        while (got := self.run(script)) != value and time.monotonic() < end:
            time.sleep(0.02)
        return got

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def shown(self, selector):
        return [node for node in self.all(selector) if node.is_displayed()]

    def key(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def active(self, what="return document.activeElement.id"):
        return self.run(what)

    def overflow(self):
        """By how much the page is wider than its window."""
        return self.run("return document.documentElement.scrollWidth - innerWidth")

    def screenshot(self, name, most=6000):
        height = min(self.run("return document.documentElement.scrollHeight"), most)
        width = self.run("return innerWidth")
        picture = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                           clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
        path = self.folder / f"{name}.png"
        path.write_bytes(base64.b64decode(picture["data"]))
        return path

    def pdf(self, name):
        path = self.folder / f"{name}.pdf"
        path.write_bytes(base64.b64decode(self.cdp("Page.printToPDF")["data"]))
        return path

    def tree(self):
        """The accessibility tree: (role, name) of every node that a screen reader meets."""
        nodes = self.cdp("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", ""))
                for node in nodes if not node["ignored"]]

    def poor_contrasts(self):
        """Texts that WCAG AA wants more contrast of: 4.5, or 3 for large ones."""
        return [(text, round(ratio, 2)) for text, ratio, size, weight in self.run(CONTRASTS)
                if ratio < (3 if size >= 24 or (size >= 18.66 and weight >= 700) else 4.5)]
