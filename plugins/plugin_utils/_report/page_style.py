# Copyright (c) onefed contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the status page looks, and the script that tells how old it is. Colours keep WCAG's contrast for text (AA)."""

from __future__ import annotations

# Twice the checks that the alert rules and role status_timer suppose are due in this time.
STALE_SECONDS = 1800

STYLE = """
:root { color-scheme: light dark; --page: #fff; --card: #f6f8fa; --text: #1b1f24; --soft: #4d5661; --line: #8c959f;
  --good: #116329; --warning: #7d4e00; --error: #a40e26; --mark: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #161b22; --text: #e6edf3; --soft: #aab3bd;
  --line: #6e7681; --good: #56d364; --warning: #e3b341; --error: #ff8b83; --mark: #79b8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0; }
p { margin: .25rem 0; } ul, dl { margin: .25rem 0; padding: 0; } li { list-style: none; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--page); padding: .5rem; }
a { color: var(--mark); } :focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.soft { color: var(--soft); } .good { color: var(--good); }
.warning { color: var(--warning); } .error { color: var(--error); }
.verdict { font-size: 1.15rem; font-weight: 600; }
.stale { border: 2px solid var(--error); border-radius: .4rem; padding: .5rem .75rem; margin: .75rem 0; }
.cut { stroke: var(--page); stroke-width: 2; }
svg.icon { width: 1em; height: 1em; vertical-align: -.12em; margin-right: .3em; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
.master { border-width: 3px; max-width: 34rem; margin: 0 auto; }
.trunk { display: block; width: 2rem; height: 1.5rem; margin: 0 auto; }
.slaves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 1rem 0;
  margin: 0 -.5rem; }
.slaves > div { border-top: 3px solid var(--line); padding: 0 .5rem; }
.slaves .trunk { height: 2rem; }
/* One below the other: a line beside them, so that none seems to follow the one above. */
@media (max-width: 37.9rem) {
  .trunk { margin: 0 0 0 calc(1.5px - 1rem); }
  .slaves { margin: 0; }
  .slaves > div { position: relative; border: 0; padding: 0 0 0 1.25rem; }
  .slaves > div::before { content: ''; position: absolute; left: 0; top: 0; bottom: -1rem;
    border-left: 3px solid var(--line); }
  .slaves > div:last-child::before { bottom: auto; height: 1.5rem; }
  .slaves .trunk { position: absolute; left: -.375rem; top: .875rem; height: 1.25rem; margin: 0;
    transform: rotate(-90deg); }
}
.facts { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; } dd { margin: 0; }
dt { color: var(--soft); max-width: 5rem; }
.servers li { border-top: 1px solid var(--line); padding: .35rem 0; }
.chart { display: block; width: 100%; height: 3rem; margin-top: .5rem; }
.chart .index { fill: none; stroke: var(--mark); stroke-width: 2; vector-effect: non-scaling-stroke; }
.chart .lag { stroke: var(--error); stroke-width: 3; vector-effect: non-scaling-stroke; }
.line { stroke: var(--line); stroke-width: 3; fill: none; } .head { fill: var(--line); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; overflow-wrap: normal; white-space: nowrap; }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.problems .card { margin: .5rem 0; }
"""

SCRIPT = f"""
const told = document.querySelector('time'), age = document.getElementById('age');
function tell() {{
  const seconds = Math.max(0, Date.now() / 1000 - Date.parse(told.dateTime) / 1000);
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  const text = hours > 48 ? Math.floor(hours / 24) + ' days ago' : hours > 1 ? hours + ' hours ago'
    : minutes > 1 ? minutes + ' minutes ago' : 'just now';
  if (age.textContent !== text) age.textContent = text;
  document.getElementById('stale').hidden = seconds < {STALE_SECONDS};
}}
tell();
setInterval(tell, 20000);
"""
