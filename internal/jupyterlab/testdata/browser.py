"""Drives a real JupyterLab in a real browser, as a person would.

browser.py URL SHOTS STEP...: opens URL, does the steps in order, says each that
is done, and writes pictures into the folder SHOTS if it is not "". It waits for
what the page shows, never for a time.
"""

import os
import re
import sys

from playwright.sync_api import TimeoutError, expect, sync_playwright

PATIENCE = int(os.environ.get("PATIENCE", "240")) * 1000  # ms, for what takes seconds on a quiet machine
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
expect.set_options(timeout=PATIENCE)

# Cells of notebooks/quickstart.ipynb, and those of testdata/lab.ipynb.
EXPERIMENT, PICTURES, CLAIM, LAST = 7, 10, 13, 15
IMPORTS, RUN, LONG, WRONG, TYPED = range(5)


class Notebook:
    def __init__(self, page, shots):
        self.page, self.shots = page, shots

    def opened(self, states="Idle|Busy|Unknown"):
        """Waits for the notebook and its kernel. Before that the page drops what is run, and calls a kernel idle that is not there."""
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text(re.compile(rf"Go \(assay\) \| ({states})"))

    def idle(self):
        expect(self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first).to_be_attached()

    def cell(self, n):
        return self.page.locator(f'.jp-Notebook [data-windowed-list-index="{n}"]')

    def output(self, n):
        return self.cell(n).locator(".jp-Cell-outputArea")

    def prompt(self, n):
        return self.cell(n).locator(".jp-InputArea-prompt")

    def select(self, n):
        self.cell(n).scroll_into_view_if_needed()
        self.cell(n).locator(".cm-content").click()

    def forget(self, n):
        """Begins to count the states of progress of cell n."""
        self.page.evaluate("n => { (window.seen = window.seen || {})[n] = []; }", n)

    def start(self, n):
        self.select(n)
        before = self.prompt(n).inner_text()
        self.forget(n)
        self.page.keyboard.press("Control+Enter")
        expect(self.prompt(n)).not_to_have_text(before)

    def ended(self, n):
        expect(self.prompt(n)).to_have_text(re.compile(r"\[\d+\]:"))
        self.idle()

    def run(self, n):
        self.start(n)
        self.ended(n)
        text = self.output(n).inner_text()
        if "Error" in text or "error" in text:
            raise AssertionError(f"cell {n} says {text!r}")

    def moving(self, n, least):
        """Waits until the output of cell n has had that many states of progress."""
        self.page.wait_for_function(
            """([n, least]) => {
                const area = document.querySelector(`.jp-Notebook [data-windowed-list-index="${n}"] .jp-Cell-outputArea`);
                const said = area && area.innerText.match(/(\\d+) of (\\d+) invocations/);
                const seen = window.seen[n];
                if (said && Number(said[1]) < Number(said[2]) && !seen.includes(said[1])) seen.push(said[1]);
                return seen.length >= least;
            }""", arg=[n, least], polling=50, timeout=PATIENCE)
        return self.page.evaluate("n => window.seen[n]", n)

    def menu(self, name, item):
        self.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{name}$")).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$")).click()

    def interrupt(self):
        self.page.locator('[data-jp-item-name="interrupt"]').first.click()

    def save(self):
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+s")
        expect(self.page.locator(".jp-DirtyIndicator, .jp-mod-dirty")).to_have_count(0)

    def shot(self, name):
        if self.shots:
            self.page.screenshot(path=os.path.join(self.shots, name + ".png"))


def kept(text):
    """How many invocations a message of an interrupted cell says are kept."""
    said = re.search(r"(\d+) of (\d+) invocations", text)
    assert said and 0 < int(said[1]) < int(said[2]), text
    return int(said[1])


def imports(nb):
    nb.run(IMPORTS)


def quickstart(nb):
    """Runs all cells of the quickstart, as its first sentence says."""
    nb.forget(EXPERIMENT)
    nb.menu("Run", "Run All Cells")
    nb.cell(EXPERIMENT).scroll_into_view_if_needed()
    states = nb.moving(EXPERIMENT, 5)
    nb.output(EXPERIMENT).evaluate("e => e.scrollIntoView({block: 'end'})")
    nb.shot("run")
    print("  progress:", " ".join(states))
    for n in (EXPERIMENT, PICTURES, CLAIM, LAST):
        nb.cell(n).scroll_into_view_if_needed()
        nb.ended(n)
        text = nb.output(n).inner_text()
        if "rror" in text:
            raise AssertionError(f"cell {n} says {text!r}")
    nb.cell(EXPERIMENT).scroll_into_view_if_needed()
    expect(nb.output(EXPERIMENT).locator("table:visible").first).to_contain_text("wazero/interpreter")
    nb.cell(PICTURES).scroll_into_view_if_needed()
    pictures = nb.output(PICTURES).locator("img")
    expect(pictures).to_have_count(2)
    for n in range(2):
        nb.page.wait_for_function("e => e.naturalWidth > 100 && e.getBoundingClientRect().width > 100",
                                  arg=pictures.nth(n).element_handle(), timeout=PATIENCE)
    expect(nb.output(PICTURES).get_by_text("sealed").first).to_be_visible()
    nb.shot("figure")


def progress(nb):
    nb.start(RUN)
    states = nb.moving(RUN, 3)
    print("  progress:", " ".join(states))


def interrupt(nb):
    nb.interrupt()
    nb.ended(RUN)
    expect(nb.output(RUN)).to_contain_text("run this cell again")
    nb.shot("interrupted")
    print("  kept:", kept(nb.output(RUN).inner_text()))


def resume(nb):
    nb.run(RUN)
    expect(nb.output(RUN).locator("table:visible").first).to_be_visible()
    nb.shot("resumed")


def reload(nb):
    nb.start(LONG)
    before = int(nb.moving(LONG, 2)[-1])
    nb.save()
    nb.page.reload()
    nb.opened()
    # The kernel is still at the cell that the page has forgotten: this one waits for it.
    nb.run(LONG)
    expect(nb.output(LONG)).to_contain_text("from the archive")
    expect(nb.output(LONG).locator("table:visible").first).to_contain_text("30")
    print("  reloaded after", before, "of 30")


def wrong(nb):
    nb.start(WRONG)
    nb.ended(WRONG)
    expect(nb.output(WRONG)).to_contain_text("undefined: nowhere")
    nb.cell(WRONG).scroll_into_view_if_needed()
    nb.shot("wrong")
    expect(nb.output(WRONG)).to_contain_text(re.compile(r"Line 3\b"))


def typed(nb, text):
    nb.select(TYPED)
    nb.page.keyboard.press("Control+a")
    nb.page.keyboard.type("%%\n" + text)


def complete(nb):
    typed(nb, "assay.")
    items = nb.page.locator(".jp-Completer .jp-Completer-item")
    for _ in range(20):  # gopls says nothing until it has read the module
        nb.page.keyboard.press("Tab")
        try:
            items.first.wait_for(timeout=PATIENCE / 20)
            break
        except TimeoutError:
            pass
    expect(items.first).to_be_visible()
    names = items.all_inner_texts()
    nb.shot("completion")
    for name in ("Workload", "Experiment", "Draw"):
        if not any(name in n for n in names):
            raise AssertionError(f"completion has no {name}: {names}")
    nb.page.keyboard.press("Escape")


def hover(nb):
    typed(nb, "assay.Experiment")
    nb.page.keyboard.press("Shift+Tab")
    expect(nb.page.locator(".jp-Tooltip")).to_contain_text("Experiment")
    expect(nb.page.locator(".jp-Tooltip")).to_contain_text("func")
    nb.shot("hover")
    nb.page.keyboard.press("Escape")


def restart(nb):
    """Restarts the kernel during a run, comes back to the run, and leaves it."""
    typed(nb, 'assay.Experiment("left", assay.Cold{Invocations: 2000}).Workloads(assay.Workload("noop")).Runtimes("wazero").Run()')
    nb.start(TYPED)
    before = int(nb.moving(TYPED, 2)[-1])
    nb.page.locator('[data-jp-item-name="restart"]').first.click()
    nb.page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(nb.prompt(TYPED)).not_to_have_text("[*]:")
    nb.opened("Idle|Unknown")
    nb.run(IMPORTS)
    nb.start(TYPED)
    after = int(nb.moving(TYPED, 2)[0])
    assert after >= before, f"{after} invocations after the restart, {before} before"
    nb.shot("attached")


STEPS = {f.__name__: f for f in (quickstart, imports, progress, interrupt, resume, reload, wrong, complete, hover, restart)}


def main(url, shots, *steps):
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.on("dialog", lambda d: d.accept())
        nb = Notebook(page, shots)
        step = "open"
        try:
            page.goto(url)
            nb.opened()
            print("open", flush=True)
            for step in steps:
                STEPS[step](nb)
                print(step, flush=True)
        except Exception:
            nb.shot("failed-" + step)
            print(f"in step {step}; the page says:\n{page.inner_text('body')[:4000]}", file=sys.stderr)
            raise
        finally:
            browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
