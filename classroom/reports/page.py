"""The frame of every page: one file without scripts that fetches nothing, for light and dark, print, phone and hall."""

import html

# The course's colors, in shades that can be told apart without seeing color: every use also has a word or a sign.
STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #59626c; --paper: #ffffff; --card: #f6f7f8; --line: #d5d9de;
  --right: #007a59; --wrong: #b94a00; --raised: #8f6200; --other: #8a4a70; --none: #66707a;
  --right-bar: #009e73; --wrong-bar: #d55e00; --raised-bar: #e69f00; --other-bar: #cc79a7; --none-bar: #b4bbc2;
  --mark: #ffe3cf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #a3adb7; --paper: #16191c; --card: #1f2428;
  --line: #3a4249; --right: #3fce9f; --wrong: #ff9a5c; --raised: #f0bb4a; --other: #e3a3c7; --none: #98a2ac;
  --none-bar: #59626c; --mark: #5c3010; } }
* { box-sizing: border-box; }
html { font: clamp(16px, 13px + .35vw, 26px)/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
body { margin: 0 auto; max-width: 56rem; padding: 1.2rem clamp(.8rem, 3vw, 2rem) 3rem; color: var(--ink);
  background: var(--paper); overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .2rem 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; }
p { margin: .4rem 0; }
ul { margin: .4rem 0; padding-left: 1.3rem; }
li { margin: .2rem 0; }
code, pre, .numbers { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .88em; }
code { background: var(--card); padding: 0 .2em; border-radius: 3px; }
.card code { background: none; padding: 0; }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: .15em; }
.soft { color: var(--soft); }
.small { font-size: .88rem; }
.score { font-size: 2.6rem; font-weight: 700; line-height: 1.1; margin: .8rem 0 .3rem; }
.score small { font-size: 1.1rem; font-weight: 400; color: var(--soft); }
.lead { font-size: 1.1rem; }
.card { background: var(--card); border-left: 5px solid var(--none-bar); border-radius: 4px; padding: .7rem 1rem;
  margin: .8rem 0; break-inside: avoid; }
.card.right { border-color: var(--right-bar); } .card.wrong { border-color: var(--wrong-bar); }
.card.raised { border-color: var(--raised-bar); } .card.other { border-color: var(--other-bar); }
.top { display: flex; flex-wrap: wrap; gap: .1rem 1rem; justify-content: space-between; align-items: baseline; }
.top .points { white-space: nowrap; }
.what { font-weight: 600; }
.text-right { color: var(--right); } .text-wrong { color: var(--wrong); } .text-raised { color: var(--raised); }
.text-other { color: var(--other); } .text-none { color: var(--none); }
.said { white-space: pre-line; }
.cases { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1rem; }
.pair { display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: .4rem 0; }
.pair > div { max-width: 100%; overflow-x: auto; }
.numbers { border-collapse: collapse; }
.numbers td { text-align: right; padding: .05rem .4rem; white-space: nowrap; }
mark { background: var(--mark); color: inherit; font-weight: 700; border-radius: 2px; padding: 0 .15em; }
.wide { overflow-x: auto; }
table.list { border-collapse: collapse; width: 100%; }
table.list th, table.list td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--line); }
table.list th { font-weight: 600; font-size: .88rem; color: var(--soft); }
table.list .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
table.list tr { break-inside: avoid; }
.total td { font-weight: 700; }
.bar { display: flex; height: 1.1em; border-radius: 3px; overflow: hidden; background: var(--line); min-width: 8rem; }
.bar i { display: block; height: 100%; }
.bar .right { background: var(--right-bar); } .bar .wrong { background: var(--wrong-bar); }
.bar .raised { background: var(--raised-bar); } .bar .other { background: var(--other-bar); }
.bar .none { background: var(--none-bar); }
.key { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; padding: 0; list-style: none; font-size: .88rem; }
.key i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em; }
.key .right { background: var(--right-bar); } .key .wrong { background: var(--wrong-bar); }
.key .raised { background: var(--raised-bar); } .key .other { background: var(--other-bar); }
.key .none { background: var(--none-bar); }
.how-many { width: 30%; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border-radius: 4px; padding: .5rem .9rem; margin: 0; flex: 1 1 7rem; }
.tiles b { display: block; font-size: 1.35rem; line-height: 1.3; }
.sign { white-space: nowrap; }
.wide code { white-space: nowrap; }
.wide td:first-child, .wide th:first-child { min-width: 8rem; }
.how td:first-child { width: 38%; }
svg { width: 100%; max-width: 38rem; height: auto; display: block; }
svg text { fill: var(--soft); font-size: 13px; }
svg .count { fill: var(--ink); }
svg rect { fill: var(--right-bar); }
svg line { stroke: var(--line); }
@media (max-width: 34rem) { .task-row td { display: block; border: 0 !important; padding: .05rem 0 !important; }
  .task-row td.number { text-align: left !important; display: inline-block; padding-right: .8rem !important; }
  .task-row td.number::before { content: attr(data-label) " "; color: var(--soft); font-size: .85em; }
  .task-row { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .task-head, .how-many { display: none; } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff; --card: #fff; --line: #bbb;
    --right: #005c43; --wrong: #8f3900; --raised: #6b4a00; --other: #6b2f54; --none: #444; --none-bar: #b4bbc2;
    --mark: #ffe3cf; }
  html { font-size: 10.5pt; } body { max-width: none; padding: 0; } .card { border: 1px solid var(--line);
    border-left-width: 5px; } h2 { break-after: avoid; }
  .bar, .bar i, .key i, mark, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
@page { margin: 16mm; }
"""


def page(title, body):
    """Return a whole page.

    Args:
        title: plain text.
        body: HTML, in which whatever others wrote is escaped.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
