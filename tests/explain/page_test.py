#!/usr/bin/env python3
"""Opens the pages that make_page writes in headless Chromium and compares what they show with the known weights.

    page_test.py MAKE_PAGE
"""
import html.parser
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

STEP = 1 / 65535  # of the weights in a page
CHECKS = 0


class Page(html.parser.HTMLParser):
    """The attributes of the root element and of the tokens, and the texts of elements with an id."""

    def __init__(self, dom):
        super().__init__()
        self.root, self.tokens, self.tags, self.texts, self.open = {}, [], [], {}, []
        self.feed(dom)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "html":
            self.root = attributes
        if "token" in (attributes.get("class") or "").split():
            self.tokens.append(attributes)
        self.tags.append(tag)
        if tag not in ("meta", "br", "img", "input", "link"):
            self.open.append((tag, attributes.get("id")))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for _, identifier in self.open:
            if identifier:
                self.texts[identifier] = self.texts.get(identifier, "") + data


def browse(path, fragment="", actions=""):
    """The page after its scripts and then the JavaScript `actions` have run; fails on anything in the browser's console."""
    with tempfile.TemporaryDirectory() as profile:
        if actions:
            copy = pathlib.Path(profile) / path.name
            driver = f"""<script>
                const root = document.documentElement.dataset;
                const timer = setInterval(async () => {{
                  if (root.ready !== "1") return;
                  clearInterval(timer);
                  {actions}
                  root.acted = "1";
                }}, 20);
                </script></body>"""
            copy.write_text(path.read_text().replace("</body>", driver))
            path = copy
        result = subprocess.run(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
             "--hide-scrollbars", "--window-size=1280,1400", f"--user-data-dir={profile}",
             "--virtual-time-budget=20000", "--dump-dom", path.as_uri() + fragment],
            capture_output=True, timeout=240, check=True)
    console = [line for line in result.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
    check(console == [], f"{path.name}{fragment}: the console is not empty: {console}")
    page = Page(result.stdout.decode())
    check(not actions or page.root.get("data-acted") == "1", f"{path.name}{fragment}: the actions did not run to their end")
    return page


def check(condition, message):
    global CHECKS
    CHECKS += 1
    if not condition:
        sys.exit(f"page_test: {message}")


def check_weights(page, expected, where):
    """The tokens' data-weight against the numbers."""
    compare([float(token["data-weight"]) for token in page.tokens if "data-weight" in token], expected, where)


def compare(found, expected, where):
    """Numbers shown against true ones, within the step of the page and the four decimals shown."""
    check(len(found) == len(expected), f"{where}: {len(found)} weights, expected {len(expected)}")
    for i, (got, want) in enumerate(zip(found, expected)):
        check(abs(got - want) <= STEP / 2 + 0.5001e-4, f"{where}: token {i} shows {got}, expected {want}")


def check_selections(folder):
    maps = json.loads((folder / "words.json").read_text())
    weights, count = maps["weights"], len(maps["queries"])
    start = browse(folder / "words.html")
    check(start.root.get("data-ready") == "1", "words: the page did not become ready")
    check(start.root["data-tokens"] == str(count), f"words: {start.root['data-tokens']} tokens drawn")
    check(start.root["data-cells"] == str(count * (count + 1) // 2), f"words: {start.root['data-cells']} cells drawn")
    check(start.root["data-pictures"] == "15", f"words: {start.root['data-pictures']} small pictures")
    check(start.root["data-state"] == f"layer=2&head=mean&token={count - 1}&view=out", start.root["data-state"])
    mean = [sum(head[count - 1][k] for head in weights[2]) / 4 for k in range(count)]
    check_weights(start, mean, "mean of the last layer")

    row = browse(folder / "words.html", "#layer=1&head=2&token=9")
    check(row.root["data-state"] == "layer=1&head=2&token=9&view=out", row.root["data-state"])
    check_weights(row, weights[1][2][9], "row 9 of head 2 of layer 1")
    check("focus" in row.tokens[9]["class"].split(), "the chosen token has no ring")
    hidden = ["hidden" in token["class"].split() for token in row.tokens]
    check(hidden == [k > 9 for k in range(count)], "only later tokens are out of sight")
    best = max(range(10), key=lambda k: weights[1][2][9][k])
    check(row.texts["list"].startswith(maps["keys"][best].replace(" ", "·")), f"list: {row.texts['list'][:40]}")
    check(row.texts["list-title"] == "“·the” looks at", row.texts["list-title"])

    column = browse(folder / "words.html", "#layer=0&head=1&token=4&view=in")
    check(column.root["data-state"] == "layer=0&head=1&token=4&view=in", column.root["data-state"])
    check_weights(column, [weights[0][1][q][4] for q in range(count)], "column 4 of head 1 of layer 0")

    wrong = browse(folder / "words.html", "#layer=77&head=-2&token=x")
    check(wrong.root["data-state"] == start.root["data-state"], "a wrong fragment is passed over")


# What a visitor does, through the events that a browser sends. note() writes down what the page shows then.
ACTIONS = """
  const token = (i) => document.querySelectorAll(".token")[i];
  const byId = (id) => document.getElementById(id);
  const press = (element, key) => element.dispatchEvent(new KeyboardEvent("keydown", {bubbles: true, key}));
  const until = async (state) => {
    while (!root.state.startsWith(state)) await new Promise((done) => setTimeout(done, 10));
  };
  const notes = {};
  const note = (name) => {
    notes[name] = {state: root.state, tip: byId("tip").textContent,
      weights: [...document.querySelectorAll(".token")].map((span) => Number(span.dataset.weight))};
  };
  token(5).dispatchEvent(new PointerEvent("pointerover", {bubbles: true, pointerType: "mouse"}));
  note("hover");
  document.querySelector(".text").dispatchEvent(new PointerEvent("pointerleave"));
  note("leave");
  token(7).click();
  note("click");
  for (const key of ["ArrowLeft", "ArrowRight", "Home", "End"]) {
    token(20).click();
    press(token(20), key);
    note(key);
  }
  token(9).click();
  byId("view-in").click();
  note("view-in");
  byId("view-out").click();
  token(3).click();
  press(byId("matrix"), "ArrowRight");
  press(byId("matrix"), "ArrowRight");
  note("tip");
  token(9).click();
  for (const [button, state] of [["layer-up", "layer=1&head=0"], ["head-up", "layer=1&head=1"],
                                 ["layer-down", "layer=0&head=1"], ["head-down", "layer=0&head=0"]]) {
    byId(button).click();
    await until(state);
    note(button);
  }
  document.querySelectorAll("#overview button")[6].click();
  await until("layer=1&head=1");
  note("overview");
  root.notes = JSON.stringify(notes);
"""


def check_actions(folder):
    maps = json.loads((folder / "words.json").read_text())
    weights, count = maps["weights"], len(maps["queries"])
    page = browse(folder / "words.html", "#layer=0&head=0&token=20", ACTIONS)
    notes = json.loads(page.root["data-notes"])

    def expect(name, state, numbers):
        check(notes[name]["state"] == state, f"{name}: {notes[name]['state']}")
        compare(notes[name]["weights"], numbers, name)

    head = weights[0][0]
    expect("hover", "layer=0&head=0&token=20&view=out", head[5])
    expect("leave", "layer=0&head=0&token=20&view=out", head[20])
    expect("click", "layer=0&head=0&token=7&view=out", head[7])
    for key, token in (("ArrowLeft", 19), ("ArrowRight", 21), ("Home", 0), ("End", count - 1)):
        expect(key, f"layer=0&head=0&token={token}&view=out", head[token])
    expect("view-in", "layer=0&head=0&token=9&view=in", [row[9] for row in head])
    # The cursor of the matrix starts in the chosen row at the first column.
    check(notes["tip"]["tip"] == f"·best → ·the{head[3][2]:.4f}", notes["tip"]["tip"])
    expect("layer-up", "layer=1&head=0&token=9&view=out", weights[1][0][9])
    expect("head-up", "layer=1&head=1&token=9&view=out", weights[1][1][9])
    expect("layer-down", "layer=0&head=1&token=9&view=out", weights[0][1][9])
    expect("head-down", "layer=0&head=0&token=9&view=out", weights[0][0][9])
    expect("overview", "layer=1&head=1&token=9&view=out", weights[1][1][9])


def check_hostile(folder):
    page = browse(folder / "hostile.html")
    check(page.root.get("data-ready") == "1", "hostile: the page did not become ready")
    check("img" not in page.tags, "hostile: a token became an element")
    check(page.texts["list-title"] == "“中” looks at", page.texts["list-title"])
    labels = [token["aria-label"] for token in page.tokens]
    check(labels == ["</script><img·src=x·onerror=alert(1)>", "<!--<script>", r"\xe2\x80", r"\x1b[31m", "{{data}}", "↵",
                     "∅", "·", r"\u{202e}", "&lt;", "e\u0301", "😀", "中"], f"hostile: {labels}")


def check_others(folder):
    two = browse(folder / "two.html", "#layer=1&head=0&token=2")
    weights = json.loads((folder / "two.json").read_text())["weights"]
    check_weights(two, weights[1][0][2], "row 2 of two texts")
    check(two.root["data-tokens"] == "36", two.root["data-tokens"])
    back = browse(folder / "two.html", "#layer=1&head=0&token=30&view=in")
    check_weights(back, [row[30] for row in weights[1][0]], "column 30 of two texts")
    one = browse(folder / "one.html")
    check_weights(one, [1.0], "a single token")
    large = browse(folder / "large.html", "#layer=3&head=5&token=1000")
    check(large.root.get("data-ready") == "1" and large.root["data-tokens"] == "1024", "large: not ready")


def main():
    if not shutil.which("chromium"):
        sys.exit("page_test: chromium is missing; scripts/setup test installs it")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([sys.argv[1], str(folder)], check=True)
        check_selections(folder)
        check_actions(folder)
        check_hostile(folder)
        check_others(folder)
    print(f"page_test: {CHECKS} checks")


if __name__ == "__main__":
    main()
