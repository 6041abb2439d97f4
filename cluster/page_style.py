"""How a page looks, and the little that happens in it: the stylesheet and the script, inlined into the page."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f6f7f8; --line: #e3e5e8; --grid: #eceef0; --zero: #b9bec5;
  --text: #1b1f24; --muted: #5f6670; --gain: #177245; --loss: #b3261e; --buy: #1f5fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --raised: #1d2024; --line: #2e3238; --grid: #24282d; --zero: #4a5058;
    --text: #e6e8eb; --muted: #9aa1ab; --gain: #58c48b; --loss: #ff8a80; --buy: #82b6f2;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1120px; padding: 40px 32px 64px;
  background: var(--page); color: var(--text);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
h1 {
  margin: 0 0 8px; font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em;
  overflow-wrap: anywhere;
}
h2 { margin: 48px 0 4px; font-size: 18px; font-weight: 650; letter-spacing: -0.005em; }
p { margin: 0; max-width: 80ch; }
.lead { font-size: 17px; color: var(--muted); }
.note { max-width: none; color: var(--muted); font-size: 13.5px; margin-bottom: 14px; }
.warning {
  margin-top: 16px; padding: 10px 14px; border-left: 3px solid var(--loss); background: var(--raised);
  overflow-wrap: anywhere;
}
.gain { color: var(--gain); }
.loss { color: var(--loss); }
.key { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 20px 28px; margin: 32px 0 0; }
.key > div { border-top: 1px solid var(--line); padding-top: 10px; min-width: 0; }
.key dt { color: var(--muted); font-size: 13px; }
.key dd { margin: 0; font-size: 23px; font-weight: 600; line-height: 1.35; letter-spacing: -0.01em; }
.key .aside { font-size: 13px; font-weight: 400; color: var(--muted); letter-spacing: 0; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 6px; margin: 0 0 10px; padding: 0; }
.legend button {
  display: inline-flex; align-items: center; gap: 8px; max-width: 100%; padding: 3px 11px;
  border: 1px solid var(--line); border-radius: 999px; background: none; color: inherit;
  font: inherit; font-size: 13px; cursor: pointer; overflow-wrap: anywhere; text-align: left;
}
.legend button:hover { background: var(--raised); }
.legend button[aria-pressed="false"] { color: var(--muted); text-decoration: line-through; }
.legend button[aria-pressed="false"] .swatch { opacity: 0.3; }
.legend button.all { border-color: transparent; color: var(--muted); }
:focus-visible { outline: 2px solid var(--buy); outline-offset: 2px; }
.swatch { display: inline-block; flex: none; width: 18px; height: 0; border-top: 3px solid; vertical-align: middle; }
.chart { height: 540px; }
.chart.small { height: 360px; }
.chart.token { height: 480px; }
td .aside { font-size: 12.5px; font-weight: 400; color: var(--muted); }
.pool { white-space: nowrap; }
.terms { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0 0 14px; font-size: 13.5px; }
.terms dt .swatch, .pools .swatch { margin-right: 8px; }
.terms dd { margin: 0; color: var(--muted); }
.pools { display: flex; flex-wrap: wrap; gap: 2px 20px; margin: 0 0 6px; color: var(--muted); font-size: 13.5px; }
.scroll { overflow-x: auto; }
.scroll.tall { max-height: 640px; overflow-y: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th, td { padding: 8px 12px 8px 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--line); }
th {
  position: sticky; top: 0; background: var(--page); color: var(--muted);
  font-size: 13px; font-weight: 500; white-space: nowrap;
}
th:last-child, td:last-child { padding-right: 4px; }
.number { text-align: right; white-space: nowrap; padding-left: 12px; }
.when { color: var(--muted); }
.when, .parameter { white-space: nowrap; }
.account { font-weight: 550; min-width: 150px; overflow-wrap: anywhere; }
.account.drawn { padding-left: 28px; }
.account .swatch { margin: 0 10px 0 -28px; }
.reason { min-width: 280px; padding-left: 20px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 20px 28px; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 13.5px; overflow-wrap: anywhere; }
.spaced { margin-top: 20px; }
.wide { min-width: 160px; }
.bar { display: inline-block; height: 9px; min-width: 1px; background: #2f7ed8; }
.gap td { color: var(--muted); text-align: center; }
.sum td { font-weight: 600; border-bottom: 0; }
.thoughts { list-style: none; margin: 0; padding: 0; }
.thoughts li {
  display: grid; grid-template-columns: 118px 1fr; gap: 2px 20px; padding: 14px 0; border-bottom: 1px solid var(--line);
}
.thoughts .meta { grid-column: 2; color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
.thoughts p { grid-column: 2; }
.kind { font-size: 12px; font-weight: 650; letter-spacing: 0.04em; color: var(--muted); padding-top: 2px; }
.kind.buy { color: var(--buy); }
.kind.take-profit { color: var(--gain); }
.kind.stop-loss { color: var(--loss); }
footer {
  margin-top: 56px; padding-top: 18px; border-top: 1px solid var(--line);
  font-size: 13.5px; color: var(--muted);
}
footer dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 20px; margin: 0 0 14px; }
footer dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: 12.5px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--text); }
pre { margin: 10px 0 0; padding: 14px 16px; background: var(--raised); overflow: auto; max-height: 420px; }
summary { cursor: pointer; }
@media (pointer: coarse) { .mouse { display: none; } }
@media (max-width: 640px) {
  body { padding: 24px 16px 40px; }
  h1 { font-size: 25px; }
  .lead { font-size: 16px; }
  .key { grid-template-columns: 1fr 1fr; gap: 16px 20px; }
  .key dd { font-size: 20px; }
  .chart { height: 460px; }
  .thoughts li { grid-template-columns: 1fr; }
  .thoughts .meta, .thoughts p { grid-column: 1; }
  footer dl { grid-template-columns: 1fr; gap: 0; }
  footer dd { margin-bottom: 8px; }
}
@media print {
  body { max-width: none; padding: 0; }
  .scroll.tall { max-height: none; }
  .legend .all { display: none; }
}
"""

SCRIPT = """
"use strict";
const charts = JSON.parse(document.getElementById("charts").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const touch = window.matchMedia("(pointer: coarse)");

function themed(layout) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const theme = {
    "font.color": colour("--muted"),
    "font.family": getComputedStyle(document.body).fontFamily,
    "xaxis.linecolor": colour("--line"),
    "xaxis.showline": true,
    "xaxis.spikecolor": colour("--zero"),
    "xaxis.gridcolor": colour("--grid"),
    "xaxis.zerolinecolor": colour("--zero"),
    "hoverlabel.bgcolor": colour("--raised"),
    "hoverlabel.bordercolor": colour("--line"),
    "hoverlabel.font.color": colour("--text"),
  };
  Object.keys(layout).filter((name) => name.startsWith("yaxis")).forEach((axis) => {
    theme[axis + ".gridcolor"] = colour("--grid");
    theme[axis + ".zerolinecolor"] = colour("--zero");
  });
  return theme;
}

function draw(name, drawn) {
  const chart = document.getElementById(name);
  // On a touch screen a finger on the chart scrolls the page; there is no room to drag out a zoom.
  drawn.layout.dragmode = touch.matches ? false : "zoom";
  Plotly.newPlot(chart, drawn.data, drawn.layout, { responsive: true, displayModeBar: false, doubleClick: "reset" })
    .then(() => Plotly.relayout(chart, themed(drawn.layout)));
  dark.addEventListener("change", () => Plotly.relayout(chart, themed(drawn.layout)));
}

function show(button, visible) {
  const name = button.parentElement.dataset.chart;
  const traces = charts[name].data;
  const places = traces.flatMap((trace, index) => (trace.legendgroup === button.dataset.place ? [index] : []));
  button.setAttribute("aria-pressed", String(visible));
  Plotly.restyle(document.getElementById(name), { visible: visible }, places);
}

Object.entries(charts).forEach(([name, drawn]) => draw(name, drawn));
document.querySelectorAll(".legend").forEach((legend) => {
  const lines = [...legend.querySelectorAll("button[data-place]")];
  lines.forEach((button) => {
    button.addEventListener("click", () => show(button, button.getAttribute("aria-pressed") !== "true"));
  });
  legend.querySelectorAll("button[data-all]").forEach((button) => {
    button.addEventListener("click", () => lines.forEach((one) => show(one, button.dataset.all === "true")));
  });
});
"""
