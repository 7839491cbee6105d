"""The report in a browser: its width, its filters, its sorting, its colours on a dark page."""

import pytest

from tests.browser.conftest import Ask

ROWS = "[...page.querySelector('#network-1 table.results').tBodies[0].rows]"


@pytest.mark.parametrize("width", [360, 400, 768, 1400])
def test_only_tables_scroll_sideways(ask: Ask, width: int) -> None:
    """With everything unfolded."""
    seen = ask(
        """const root = page.documentElement;
        page.querySelectorAll('details').forEach((each) => { each.open = true; });
        const wide = [...page.body.querySelectorAll('*')].filter((e) => !e.closest('.scroll, nav, .unseen')
          && e.getBoundingClientRect().right > root.clientWidth + 1);
        return {page: root.scrollWidth, seen: root.clientWidth, wide: wide.map((e) => e.outerHTML.slice(0, 120))};""",
        width,
    )
    assert seen["wide"] == []
    assert seen["page"] == seen["seen"] == width


def test_text_in_figures_can_be_read_on_a_phone(ask: Ask) -> None:
    heights = ask(
        "return [...page.querySelectorAll('figure svg text')].map((e) => e.getBoundingClientRect().height);", 400
    )
    assert len(heights) > 100 and min(heights) >= 9


def test_names_in_figures_are_not_cut_off(ask: Ask) -> None:
    outside = ask(
        """return [...page.querySelectorAll('figure svg')].flatMap((svg) => {
          const box = svg.getBoundingClientRect();
          return [...svg.querySelectorAll('text')].filter((e) => {
            const at = e.getBoundingClientRect();
            return at.left < box.left - 1 || at.right > box.right + 1;
          }).map((e) => e.textContent);
        });"""
    )
    assert outside == []


def test_sorting_by_a_heading_and_back(ask: Ask) -> None:
    seen = ask(
        f"""const buttons = [...page.querySelectorAll('#network-1 thead button')];
        const button = buttons.find((each) => each.textContent.startsWith('p10'));
        const values = () => {ROWS}.map((row) => row.cells[3].colSpan === 1 ? Number(row.cells[3].dataset.v) : null);
        button.click(); const up = values(), said = button.parentElement.getAttribute('aria-sort');
        button.click(); const down = values();
        return {{up, down, said}};"""
    )
    measured = [value for value in seen["up"] if value is not None]
    assert len(measured) == 16 and measured == sorted(measured)
    assert seen["up"] == measured + [None] * 4
    assert seen["down"] == measured[::-1] + [None] * 4
    assert seen["said"] == "ascending"


def test_filters_narrow_the_table_and_say_so(ask: Ask) -> None:
    seen = ask(
        f"""const bar = page.querySelector('#network-1 .filters');
        const shown = () => {ROWS}.filter((row) => !row.hidden).length;
        const set = (name, value) => {{
          const field = bar.querySelector(name);
          if (field.type === 'checkbox') field.checked = value; else field.value = value;
          field.dispatchEvent(new Event('input', {{bubbles: true}}));
        }};
        const counts = [shown()];
        set('[data-batch]', '8'); counts.push(shown());
        set('[data-ran]', true); counts.push(shown());
        set('[data-find]', 'onnx'); counts.push(shown());
        return {{counts, said: bar.querySelector('[data-shown]').textContent, hidden: bar.hidden}};"""
    )
    assert seen == {"counts": [20, 10, 8, 1], "said": "1 of 20 rows", "hidden": False}


def test_a_dark_page_has_light_text_in_its_figures_too(ask: Ask) -> None:
    script = """const fill = view.getComputedStyle(page.querySelector('figure svg text')).fill;
        const ground = view.getComputedStyle(page.body).backgroundColor;
        return [fill, ground].map((colour) => colour.match(/\\d+/g).slice(0, 3).map(Number));"""
    text, ground = ask(script, 1400, "--force-dark-mode", "--blink-settings=preferredColorScheme=0")
    assert min(text) > 140 and max(ground) < 60
    text, ground = ask(script, 1400, "--blink-settings=preferredColorScheme=1")
    assert max(text) < 140 and min(ground) > 200


def test_the_answer_is_on_the_first_screen_of_a_phone(ask: Ask) -> None:
    seen = ask(
        """const folded = [...page.querySelectorAll('details')].every((each) => !each.open);
        return {folded, lede: page.querySelector('.lede').getBoundingClientRect().bottom};""",
        400,
    )
    assert seen["folded"] and seen["lede"] < 700


def test_the_finals_picture_needs_no_colour(ask: Ask) -> None:
    """Those that may be the best have bold names and filled dots; those told apart have neither."""
    seen = ask(
        """const svg = page.querySelector('.tile figure svg');
        const weights = [...svg.querySelectorAll('text')].filter((e) => /[A-Z]/.test(e.textContent))
          .map((e) => [e.textContent, view.getComputedStyle(e).fontWeight]);
        const dots = [...svg.querySelectorAll('use')].map((e) => view.getComputedStyle(e).fill);
        return {weights, dots};"""
    )
    assert dict(seen["weights"]) == {"ONNX Runtime": "700", "OpenVINO": "400", "ExecuTorch": "400"}
    assert [fill == "none" for fill in seen["dots"]] == [False, True, True]


def test_it_asks_nothing_of_a_network(ask: Ask) -> None:
    requests = ask("return view.performance.getEntriesByType('resource').map((entry) => entry.name);")
    assert requests == []
