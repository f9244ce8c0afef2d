"""The page: what it holds, that it is safe, and that a real browser shows it."""

import base64
import csv
import dataclasses
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from qlearn.errors import InputError, StoreError
from qlearn.reports.comparison_page import drawn
from qlearn.reports.page import download, paragraphs
from qlearn.reports.profiles import profiles
from qlearn.reports.report import page_of, report

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "--></svg><script>document.title='owned'</script>",
    "\u202edesrever\u202c שלום عربي $\\frac{ &amp; \x00\x07",
    "x" * 3000,
)
VOID = {"meta", "link", "br", "col", "path", "use", "image", "rect"}


class Outline(HTMLParser):
    """Everything that opens and closes on a page, and what it says."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.ids, self.headings = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for key, value in attributes if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for key, value in attributes if key == "id"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings.append((self.open[-1], data))


@pytest.fixture(scope="module")
def written(small):
    return page_of(small)


@pytest.fixture(scope="module")
def hostile(small):
    """The small comparison under names that nobody should give."""
    agents = [dataclasses.replace(agent, name=name) for agent, name in zip(small.agents * 3, HOSTILE, strict=False)]
    chances = dict.fromkeys(HOSTILE, small.agents[0].beats[small.agents[1].name])
    agents = [dataclasses.replace(a, beats={k: v for k, v in chances.items() if k != a.name}) for a in agents]
    pairs = [dataclasses.replace(small.pairs[0], first=HOSTILE[0], second=name) for name in HOSTILE[1:]]
    world = dataclasses.replace(small.environment, name=HOSTILE[1])
    return dataclasses.replace(
        small, agents=tuple(agents), pairs=tuple(pairs), environment=world, command=f"qlearn {HOSTILE[2]}"
    )


@pytest.fixture(scope="module")
def hostile_page(hostile):
    return page_of(hostile)


def saved(text, name):
    """What a link on the page saves."""
    found = re.search(rf'href="data:[^"]*;base64,([^"]*)" download="{name}"', text)
    return base64.b64decode(found[1]).decode()


def test_the_verdict_comes_first_and_every_part_stands_under_a_heading(small, written):
    outline = Outline(written)
    assert outline.open == []
    assert [text for level, text in outline.headings if level == "h1"] == ["NChain-v0: 12 seeds × 8 episodes"]
    parts = [text for level, text in outline.headings if level == "h2"]
    assert parts == [
        "Verdict",
        "Table",
        "Learning curves",
        "Every seed",
        "Each against each",
        "Policies",
        "Q tables",
        "Settings",
        "Data",
    ]
    assert small.verdict.split(".")[0] in written


def test_settings_versions_seeds_and_the_command_are_told(small, written):
    for words in (small.environment.digest, small.versions["jax"], "12: 0 to 11", "8 episodes", small.command[:24]):
        assert words in written
    for agent in small.agents:
        assert agent.runs.settings["agent_written"] in written


def test_the_data_inside_are_those_of_the_comparison(small, written):
    rows = list(csv.DictReader(io.StringIO(saved(written, "runs.csv"))))
    assert [float(row["exact_return"]) for row in rows[:12]] == small.agents[0].exact_return
    assert json.loads(saved(written, "results.json")) == json.loads(json.dumps(small.to_json()))
    assert saved(written, "table.tex") == small.to_latex()


def test_equal_results_give_equal_pages(small, written):
    assert page_of(small) == written


def test_every_picture_has_words_and_every_identifier_is_there_once(written):
    outline = Outline(written)
    pictures = [attributes for tag, attributes in outline.tags if tag == "svg"]
    assert len(pictures) == 7
    assert all(len(attributes["aria-label"]) > 40 and attributes["role"] == "img" for attributes in pictures)
    assert len(outline.ids) == len(set(outline.ids))
    pointed = re.findall(r'href="#([^"]+)"', written) + re.findall(r"url\(#([^)]+)\)", written)
    assert set(pointed) <= set(outline.ids)
    assert all("scope" in attributes for tag, attributes in outline.tags if tag == "th")


def test_names_of_any_kind_stay_text(hostile_page):
    outline = Outline(hostile_page)
    assert outline.open == []
    assert not [tag for tag, _ in outline.tags if tag in ("script", "img", "iframe", "object", "base")]
    assert not [key for _, attributes in outline.tags for key in attributes if key.startswith("on")]
    assert "\u202e" not in hostile_page
    assert "\x00" not in hostile_page
    assert "שלום" in hostile_page


def test_nothing_on_the_page_points_elsewhere(written, hostile_page):
    for text in (written, hostile_page):
        for tag, attributes in Outline(text).tags:
            for key in ("href", "src", "xlink:href", "action", "srcset"):
                assert attributes.get(key, "#").startswith(("#", "data:")), (tag, attributes)
        assert not re.search(r"url\((?!#)|@import", text)


def test_a_page_is_whole_or_not_there(small, tmp_path):
    path = report(small, tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        report(small, tmp_path / "file" / "page.html")
    with pytest.raises(InputError, match="makes no page"):
        report({"what": 1}, tmp_path / "other.html")
    assert not (tmp_path / "other.html").exists()


def test_long_data_are_packed_and_too_long_ones_say_so():
    import gzip

    rows = "".join(f"{i},{i * 0.1}\n" for i in range(120_000))
    link = download("runs.csv", rows)
    packed = re.search(r'base64,([^"]*)" download="runs.csv.gz"', link)
    assert gzip.decompress(base64.b64decode(packed[1])).decode() == rows
    noise = np.random.default_rng(1).integers(0, 94, 3_000_000)
    assert "too large" in download("noise", "".join(chr(33 + c) for c in noise))


def test_with_many_agents_the_best_are_drawn_in_their_order(small):
    many = []
    for i in range(14):
        one = small.agents[1]
        many.append(
            dataclasses.replace(one, name=f"agent {i}", exact=dataclasses.replace(one.exact, mean=float(i % 7)))
        )
    kept = [agent.name for agent in drawn(dataclasses.replace(small, agents=tuple(many))).agents]
    assert len(kept) == 10
    assert kept == sorted(kept, key=lambda name: int(name.split()[1]))
    assert "agent 0" not in kept


def test_a_long_verdict_unfolds_and_loses_nothing():
    told = [f"Sentence {i}." for i in range(40)]
    shown = paragraphs(told)
    assert [shown.count(f">{sentence}<") for sentence in told] == [1] * 40
    assert "28 more sentences" in shown
    assert "<details" not in paragraphs(told[:14])


def test_a_profile_is_the_share_of_runs_that_reach_a_value():
    runs = np.array([1.0, 2.0, 2.0, 4.0])
    line = profiles({"one": runs}, "value").axes[0].lines[0]
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    for value in (1.0, 2.0, 4.0):
        assert y[list(x).index(value)] == (runs >= value).mean()


# In a browser.


def listened(browser, url):
    """Open a page; nothing may be logged, refused, thrown or fetched."""
    browser.open(url)
    complaints = [
        browser.said(name) for name in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    ]
    assert complaints == [[], [], []]
    asked = [one["request"]["url"] for one in browser.said("Network.requestWillBeSent")]
    assert [one for one in asked if not one.startswith("data:")] == [url]


def test_a_browser_shows_the_page_without_a_complaint_and_asks_for_nothing(browser, page_url, written):
    listened(browser, page_url(written))
    assert browser.value("document.title") == "NChain-v0: 12 seeds × 8 episodes"
    sizes = browser.value("[...document.querySelectorAll('svg')].map(x => x.getBoundingClientRect().width)")
    assert len(sizes) == 7
    assert min(sizes) > 400


def test_a_browser_runs_nothing_that_a_name_says(browser, page_url, hostile_page):
    listened(browser, page_url(hostile_page))
    assert browser.value("document.title") != "owned"
    assert browser.value("document.scripts.length") == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(browser, page_url, hostile_page, written, width):
    browser.tell("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
    for text in (written, hostile_page):
        browser.open(page_url(text))
        assert browser.value("document.documentElement.scrollWidth") <= width
    browser.tell("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser, page_url, written, scheme):
    browser.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(page_url(written))
    colours = browser.value(
        "[...document.querySelectorAll('body, .under, a, figcaption, td, small, pre')]"
        ".map(x => getComputedStyle(x).color).concat(getComputedStyle(document.body).backgroundColor)"
    )
    *inks, ground = ([int(part) / 255 for part in re.findall(r"\d+", colour)[:3]] for colour in colours)

    def luminance(rgb):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for ink in inks:  # WCAG 2.2, success criterion 1.4.3: 4.5 to 1
        high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5
    browser.tell("Emulation.setEmulatedMedia", features=[])


def test_a_screen_reader_is_told_of_pictures_tables_and_headings(browser, page_url, written):
    browser.open(page_url(written))
    nodes = browser.tell("Accessibility.getFullAXTree")["nodes"]
    told = {}
    for node in nodes:
        if not node.get("ignored"):
            told.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert len(told["image"]) == 7
    assert all(len(name) > 40 for name in told["image"])
    assert {"Verdict", "Data"} <= set(told["heading"])
    assert {"One row for each agent", "Differences"} <= set(told["table"])
    assert "reward sum" in told["rowheader"]


def test_links_save_what_is_inside_the_page(browser, page_url, written, small, tmp_path):
    browser.tell("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path), eventsEnabled=True)
    browser.open(page_url(written))
    browser.value("document.querySelector('a[download=\"runs.csv\"]').click()")
    for _ in range(300):
        if (tmp_path / "runs.csv").exists():
            break
        browser.value("new Promise(done => setTimeout(done, 100))")
    assert (tmp_path / "runs.csv").read_text() == small.to_csv()


def test_the_whole_page_can_be_printed(browser, page_url, written):
    browser.open(page_url(written))
    printed = base64.b64decode(browser.tell("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert printed.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 20
