# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The html report in headless Chromium, and without a browser's scripts."""
import html.parser
import json
import re

import pytest
from selenium.webdriver.common.keys import Keys

import make_day
from browser import DESKTOP, PHONE, Browser
from reports import ROOT

HOSTILE = "</script><img src=x onerror=alert(1)>&\"'`{{data}}"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


def render(reports, case, path):
    """The page of the file CASE at PATH."""
    done = reports.run("report", "--format", "html", "-o", str(path), str(case))
    assert done.returncode in (0, 1, 4) and not done.stderr, done
    return path


@pytest.fixture(scope="session")
def day(reports):
    """The page of six hours with thousands of probes."""
    case = reports.folder / "day.case"
    with case.open("w") as out:
        make_day.write(out, hours=6, interval_s=15, seed=1)
    return render(reports, case, reports.folder / "day.html")


def data_of(path):
    text = path.read_text()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text,
                                re.S).group(1))


# ---- every case ----

def test_loads(reports, browser, case):
    """Nothing to complain of, nothing from outside, and it fits on a phone."""
    page = reports.file(case, "html")
    for width in (DESKTOP, PHONE):
        browser.open(page, width)
        assert browser.run("return document.documentElement.classList.contains('js')")
        if browser.shown(".open"):
            browser.shown(".open")[0].click()
        assert browser.overflow() <= 0, width
        assert browser.complaints() == []
        assert browser.requests() == []


FIXES = ("fix_command", "fix_advice", "show_command", "undo_command")


def test_says_what_json_says(reports, case):
    """Each probe is there as in JSON, and each cause on top, in the same words."""
    data = data_of(reports.file(case, "html"))
    listed = {probe["id"]: probe for probe in data["probes"]}
    top = Text(reports.file(case, "html").read_text(), "causes").text
    for probe in reports.probes(case):
        assert listed[probe["id"]] == probe
        if probe["outcome"] != "pass":
            assert probe["verdict"] in top
    for probe in {p["verdict"]: p for p in reports.probes(case) if p["outcome"] != "pass"}.values():
        assert squeeze(probe["why"]) in top
        for key in FIXES:
            assert squeeze(probe[key] or "") in top, key
    ends = [o for o in reports.objects(case) if o["type"] == "end"]
    assert data["end"] == (ends[0] if ends else None)
    states = {(t["target"]["addr"], t["target"]["port"], t["lb"]["addr"]): t["state"]
              for t in reports.objects(case) if t["type"] == "target"}
    assert states == {(s["target"]["target"]["addr"], s["target"]["target"]["port"],
                       s["target"]["lb"]["addr"]): s["target"]["state"] for s in data["series"]}


def squeeze(text):
    return " ".join(text.split())


class Text(html.parser.HTMLParser):
    """The text of the element with an id, as one line."""

    def __init__(self, page, wanted):
        super().__init__()
        self.wanted, self.depth, self.words = wanted, 0, []
        self.feed(page)

    @property
    def text(self):
        return squeeze("".join(self.words))

    def handle_starttag(self, tag, attrs):
        if tag in ("meta", "link", "input", "br", "img"):
            return
        if self.depth or dict(attrs).get("id") == self.wanted:
            self.depth += 1

    def handle_endtag(self, tag):
        if self.depth:
            self.depth -= 1

    def handle_data(self, data):
        if self.depth:
            self.words.append(data)


# ---- a whole day ----

def test_pictures(day, browser):
    """Pictures for people to look at; the machine sees that nothing sticks out."""
    for name, width, dark in (("desktop", DESKTOP, False), ("phone", PHONE, False),
                              ("desktop-dark", DESKTOP, True), ("phone-dark", PHONE, True)):
        browser.open(day, width, dark)
        assert browser.overflow() <= 0
        assert browser.screenshot(name).stat().st_size > 20000
        for node in browser.shown(".open")[:3]:
            node.click()
        assert browser.overflow() <= 0
        assert browser.complaints() == []
    assert browser.pdf("print").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_contrast(day, browser, width, dark):
    browser.open(day, width, dark)
    browser.shown(".open")[0].click()
    assert browser.poor_contrasts() == []


def test_is_bounded(day):
    """Most probes are summed up, and the page says so."""
    data, text = data_of(day), day.read_text()
    total, listed = data["totals"]["probes"], len(data["probes"])
    assert total > 10000 and 300 < listed < 1200
    assert len(text) < 1_500_000
    passed = sum(p["outcome"] == "pass" for p in data["probes"])
    assert f"hold all {total:,} probes" in text
    assert f"{passed:,} of {data['totals']['passed']:,} that passed" in text
    for series in data["series"]:
        target = series["target"]
        assert sum(b[1] for b in series["buckets"]) == target["passed"]
        assert sum(b[2] for b in series["buckets"]) == target["failed"]
        assert sum(b[3] for b in series["buckets"]) == target["unknown"]
        assert len(series["states"]) == 240


def test_keeps_what_matters(day):
    """Of every target, node and verdict there is an example; so is the first of each change."""
    data = data_of(day)
    for series in data["series"]:
        target = series["target"]
        seen = {p["verdict"] for p in data["probes"]
                if p["target"] == target["target"] and p["lb"]["addr"] == target["lb"]["addr"]}
        assert set(target["counts"]) - {"no-probe"} <= seen


def test_the_worst_is_on_top(day, browser):
    browser.open(day)
    assert browser.one("h1").text.endswith(
        "192.168.0.10:80: 774 of 4,301 probes failed, now mainly: firewall dropped it")
    causes = browser.all("article.cause")
    verdicts = [node.get_attribute("data-verdict") for node in causes]
    assert verdicts[:2] == ["firewall-drop", "no-probe"]
    assert "going on" in causes[0].text and "over" in causes[2].text
    assert "unhealthy" in browser.one(".target h3").text


def test_states_over_time(day, browser):
    """The charts show state, probes and answer times, and say the same to who cannot see them."""
    browser.open(day)
    chart = browser.one(".chart .plot")
    assert chart.get_attribute("role") == "slider"
    name = chart.get_attribute("aria-label")
    assert name.startswith("192.168.0.10:80 by node 100.125.10.5: healthy from 08:00:00")
    assert "unhealthy from 13:" in name
    for mark in (".band.healthy", ".band.unhealthy", ".hatch", ".tick", ".cross", ".median"):
        assert chart.find_elements("css selector", mark), mark
    assert browser.all(".chart .silence") and browser.all(".chart .lost")
    browser.one(".chart summary").click()
    assert "13:17:32 unhealthy" in browser.one(".chart details").text


# ---- keys ----

def test_keys_move_open_and_close(day, browser):
    browser.open(day)
    browser.key("j")
    first = browser.active("return document.activeElement.closest('tr').id")
    browser.key("j")
    second = browser.active("return document.activeElement.closest('tr').id")
    assert first and second and first != second
    browser.key(Keys.ARROW_UP)
    assert browser.active("return document.activeElement.closest('tr').id") == first
    browser.key(Keys.ENTER)
    detail = browser.one(f"#{first}-detail")
    assert browser.active("return document.activeElement.getAttribute('aria-expanded')") == "true"
    assert "SYN dropped by the firewall" in detail.text and "nft insert rule" in detail.text
    browser.key("k")
    browser.key(Keys.ESCAPE)
    assert not browser.all(".detail")
    browser.key(Keys.END)
    browser.key("j")  # beyond the rows that there are: the next ones
    assert len(browser.all(".open")) > 100
    # Tab leads to one row only
    assert len(browser.all(".open[tabindex='0']")) == 1


def test_focus_can_be_seen(day, browser):
    browser.open(day)
    for keys in (("j",), (Keys.TAB,), ("/",)):
        browser.key(*keys)
        outline = browser.active("const s = getComputedStyle(document.activeElement);"
                                 "return [s.outlineStyle, parseFloat(s.outlineWidth)]")
        assert outline[0] != "none" and outline[1] >= 2


def test_key_for_the_filter_and_for_help(day, browser):
    browser.open(day)
    browser.key("/")
    assert browser.active() == "filter-text"
    browser.key("j?/")  # is text there
    assert browser.one("#filter-text").get_attribute("value") == "j?/"
    assert not browser.shown("#help")
    browser.one("#filter-clear").click()
    browser.key("?")
    assert browser.shown("#help") and "next probe" in browser.one("#help").text
    browser.key(Keys.ESCAPE)
    assert not browser.shown("#help")


def test_keys_in_a_chart(day, browser):
    browser.open(day)
    browser.run("document.querySelector('.plot').focus()")
    browser.key(Keys.END)
    at = browser.active("return document.activeElement.getAttribute('aria-valuetext')")
    assert "failed (firewall-drop)" in at and "unhealthy" in at
    assert browser.one(".readout").text == at
    browser.key(Keys.ENTER)
    assert browser.one("#filter-target").get_attribute("value") == "192.168.0.10:80"
    assert browser.one("#filter-node").get_attribute("value") == "100.125.10.5"
    rows = browser.all("tr.probe")
    assert rows and all("100.125.10.5" in row.text and "13:5" in row.text for row in rows)
    browser.one("#filter-time").click()
    assert len(browser.all("tr.probe")) > len(rows)


# ---- filters ----

def choose(browser, field, value):
    browser.run("const f = document.getElementById(arguments[0]); f.value = arguments[1];"
                "f.dispatchEvent(new Event('change'))", f"filter-{field}", value)


def test_filters(day, browser):
    browser.open(day)
    assert all(not row.find_elements("css selector", ".result.pass")
               for row in browser.all("tr.probe"))  # at first what did not pass
    choose(browser, "result", "pass")
    assert not browser.all("tr.probe .result.fail") and browser.all("tr.probe .result.pass")
    choose(browser, "result", "verdict app-slow")
    assert {node.text for node in browser.all("tr.probe .result")} == {"app-slow"}
    choose(browser, "result", "")
    choose(browser, "target", "192.168.0.11:8101")
    choose(browser, "node", "100.125.10.6")
    rows = [row.text for row in browser.all("tr.probe")]
    assert rows and all("192.168.0.11:8101" in row and "100.125.10.6" in row for row in rows)
    browser.one("#filter-text").send_keys("XINETD hosts.deny")
    results = ("return [...new Set([...document.querySelectorAll('tr.probe .result')]"
               ".map((node) => node.textContent))].join()")
    assert browser.wait(results, "tcp-wrappers") == "tcp-wrappers"
    browser.one("#filter-text").send_keys(" nosuchword")
    said = "No probe is like that."
    assert browser.wait("return document.getElementById('shown').textContent", said) == said
    browser.one("#filter-clear").click()
    assert len(browser.all("tr.probe")) == 100
    browser.one("#more").click()
    assert len(browser.all("tr.probe")) == 200


def test_from_a_cause_to_its_probes(day, browser):
    browser.open(day)
    browser.one("article.cause:nth-of-type(3) .actions button").click()
    assert {node.text for node in browser.all("tr.probe .result")} == {"http-status"}
    assert browser.active("return document.activeElement.className") == "open"


def test_copies_the_fix(day, browser):
    browser.open(day)
    browser.cdp("Browser.grantPermissions",
                permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.one("article.cause .fix.command button").click()
    text = browser.driver.execute_async_script(
        "const done = arguments[0];"
        "navigator.clipboard.readText().then(done, (e) => done(String(e)))")
    assert text == "nft insert rule inet guard c ip saddr 100.125.0.0/16 tcp dport 80 accept"


def test_only_commands_are_copied(reports, browser):
    """On a cause's card and in a probe's details: advice is nothing to paste."""
    browser.open(reports.file("conntrack-invalid", "html"))
    browser.shown("tr.probe .open")[0].click()
    buttons = "return [...document.querySelectorAll('.fix')].map(" \
              "(fix) => [fix.classList.contains('command'), !!fix.querySelector('button')])"
    seen = browser.run(buttons)
    assert [True, True] in seen and [False, False] in seen
    assert [True, False] not in seen and [False, True] not in seen
    texts = set(browser.run("return [...document.querySelectorAll('.fix.command code')].map("
                            "(code) => code.textContent)"))
    probe = reports.probes("conntrack-invalid")[0]
    assert texts <= {probe[key] for key in ("fix_command", "show_command", "undo_command")}


def test_local_time(day, browser):
    browser.open(day)
    browser.cdp("Emulation.setTimezoneOverride", timezoneId="Asia/Shanghai")
    browser.open(day)
    before = browser.one(".run time").text
    browser.one("#zone-button").click()
    assert (before, browser.one(".run time").text) == ("08:00:00", "16:00:00")
    assert "Asia/Shanghai" in browser.one("#zone").text
    browser.cdp("Emulation.setTimezoneOverride", timezoneId="")


# ---- for all ----

def test_names_for_a_screen_reader(day, browser):
    browser.open(day)
    browser.key("j", Keys.ENTER)
    nodes = browser.tree()
    needed = {"button", "link", "combobox", "textbox", "searchbox", "slider", "table", "article",
              "heading", "form", "search", "DisclosureTriangle", "image", "img", "columnheader"}
    unnamed = [role for role, name in nodes if role in needed and role != "article" and not name]
    assert not unnamed
    roles = {role for role, _ in nodes}
    assert {"button", "combobox", "slider", "table", "row", "cell", "heading", "banner",
            "main"} <= roles
    levels = browser.run("return [...document.querySelectorAll('h1,h2,h3')].filter("
                         "(h) => h.checkVisibility()).map((h) => Number(h.tagName[1]))")
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:]))


def test_rows_stay_rows_on_a_phone(day, browser):
    """Cards by CSS must not take the table away from a screen reader."""
    browser.open(day, PHONE)
    roles = [role for role, _ in browser.tree()]
    assert "table" in roles and roles.count("row") > 50 and roles.count("cell") > 300


def test_in_print(day, browser):
    browser.open(day, media="print", width=794)
    for hidden in ("button", "#probes", "#help", "select"):
        assert not browser.shown(hidden), hidden
    for shown in ("h1", ".cause .why", ".cause .fix", ".chart svg", "#failures td"):
        assert browser.shown(shown), shown
    assert browser.overflow() <= 0
    assert browser.poor_contrasts() == []


def test_without_script(day, browser):
    browser.open(day, script=False)
    assert "firewall dropped it" in browser.one("h1").text
    assert browser.shown(".cause .fix") and browser.shown(".node") and browser.shown("#failures td")
    assert not browser.shown("#probes") and not browser.shown("button")
    browser.screenshot("no-script")
    browser.cdp("Emulation.setScriptExecutionDisabled", value=False)


# ---- what a host or the network brings along ----

def percent(data):
    return "".join(f"%{byte:02X}" for byte in data)


@pytest.fixture(scope="session")
def hostile(reports):
    """A case whose process, path, host, device, kernel and namespace are hostile."""
    text = (ROOT / "tests/cases/http-status.case").read_text()
    evil = HOSTILE.encode() + b"\xff\xfe" + "\u2028\u202e\u0000".replace("\0", "").encode()
    request = b"GET /" + evil.replace(b" ", b"+") + b" HTTP/1.1\r\nHost: " + evil[:40] + b"\r\n\r\n"
    text = re.sub(r"payload=GET\S*", "payload=" + percent(request), text)
    text = text.replace("comm=nginx", "comm=" + percent(b"<b>\"'&\xc3</b>"))
    text = text.replace("dev=eth0", "dev=" + percent(b"<i>&\xe2\x80</i>"))
    text = text.replace("kernel=6.18.44", "kernel=" + percent(evil))
    text = text.replace("netns-name=web", "netns-name=" + percent(evil[:50]))
    text = re.sub(r"detail=tracepoint%20kfree_skb", "detail=" + percent(evil), text)
    case = reports.folder / "hostile.case"
    case.write_text(text)
    return render(reports, case, reports.folder / "hostile.html")


def test_hostile_text_stays_text(hostile, browser):
    browser.open(hostile)
    browser.key("j", Keys.ENTER)
    assert browser.complaints() == [] and browser.requests() == []
    assert not browser.all("img") and not browser.all("body b b, td b, #table i, .detail b")
    assert HOSTILE.replace(" ", "+")[:20] in browser.one(".detail").text
    assert "<b>\"'&?</b>" in browser.one("tr.probe").text
    assert "<img src=x" in browser.one("summary").text
    assert len(browser.all("script")) == 2


def test_hostile_bytes_are_no_bytes_of_the_page(hostile):
    page = hostile.read_bytes()
    text = page.decode()  # is UTF-8 throughout
    assert "\u2028" not in text and "\u202e" not in text and "\0" not in text
    assert text.count("</script>") == 2 and "<img" not in text
    assert "{{" not in text.replace(HOSTILE, "").replace("{{data}}", "")
    assert data_of(hostile)["probes"][0]["process"]["comm"] == "<b>\"'&?</b>"


def test_only_its_own_script_may_run(day, browser):
    """The policy of the page: what somebody smuggles in does nothing."""
    browser.open(day)
    browser.run("const s = document.createElement('script'); s.textContent = 'window.smuggled = 1';"
                "document.body.append(s); document.body.insertAdjacentHTML('beforeend',"
                "'<img src=x onerror=\"window.smuggled = 1\">')")
    assert browser.run("return window.smuggled === undefined")
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())


def test_refers_to_nothing_outside(day):
    page = re.sub(r'<script type="application/json".*?</script>', "", day.read_text(), flags=re.S)
    links = re.findall(r'(?:src|href|url|action|import)\s*[=(]\s*["\']?([^"\' >)]+)', page)
    assert [link for link in links if not link.startswith(("#", "data:,"))] == []
    assert not re.findall(r'https?://(?!www\.w3\.org/2000/svg)[^\s"\'<`)]+',
                          re.sub(r"<(pre|p)\b.*?</\1>", "", page, flags=re.S))
