"use strict";
// Everything below writes text with textContent only: no name or path of the data is ever read as HTML.
const DATA = JSON.parse(document.getElementById("data").textContent);
const CLASSES = DATA.classes;
const state = { split: Object.keys(DATA.splits)[0], mode: DATA.mode || "counts", open: null };
const splitData = () => DATA.splits[state.split];
const $$ = (selector, root) => Array.from((root || document).querySelectorAll(selector));
const activeBlocks = (selector) => $$('[data-split="' + CSS.escape(state.split) + '"] ' + selector);

function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function cut(text, length) {
  const characters = Array.from(text);
  return characters.length <= length ? text : characters.slice(0, length - 1).join("") + "…";
}

function nameNode(index, length) {
  const full = CLASSES[index];
  const short = cut(full, length || 40);
  return element("bdi", { title: short === full ? null : full }, short);
}

const percent = (value, digits) => (100 * value).toFixed(digits === undefined ? 0 : digits) + "%";
const whole = (value) => value.toLocaleString("en-US");
// Pixels come in millions, which no cell of a matrix has room for.
const compact = (value) => (value < 1e5 ? whole(value) : value < 1e6 ? Math.round(value / 1e3) + "k" : (value / 1e6).toFixed(value < 1e7 ? 1 : 0) + "M");
const say = (text) => { document.getElementById("status").textContent = text; };

// The 95% Wilson interval, as in the tables.
function wilson(hits, total) {
  const z = 1.959964, share = hits / total, base = 1 + z * z / total;
  const centre = (share + z * z / (2 * total)) / base;
  const half = z / base * Math.sqrt(share * (1 - share) / total + z * z / (4 * total * total));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

// Counts by row for quick look-up: rows[true] = Map(predicted -> count); built once a split.
const countCache = {};
function counts() {
  if (!countCache[state.split]) {
    const rows = new Map(), columns = new Map();
    for (const [t, p, n] of splitData().confusion.cells) {
      if (!rows.has(t)) rows.set(t, new Map());
      if (!columns.has(p)) columns.set(p, new Map());
      rows.get(t).set(p, n);
      columns.get(p).set(t, n);
    }
    countCache[state.split] = { rows, columns };
  }
  return countCache[state.split];
}
const countOf = (t, p) => (counts().rows.get(t) || new Map()).get(p) || 0;
const supportOf = (t) => splitData().confusion.support[t];
