// The confusion matrix as a table: all classes when they are few, else the neighbourhood of one class or the worst pairs.
const MAX_TABLE = 36, MAX_FOCUS = 12;
const focusBySplit = {};

function themeColours() {
  const style = getComputedStyle(document.documentElement);
  const numbers = (name) => style.getPropertyValue(name).split(",").map(Number);
  const hex = style.getPropertyValue("--soft").trim();
  const base = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return { right: numbers("--right"), wrong: numbers("--wrong"), base };
}

// Shares of mistakes are small: the square root keeps 3% visible beside 60%.
function cellColour(colours, isRight, share) {
  const weight = isRight ? 0.12 + 0.88 * share : 0.14 + 0.86 * Math.sqrt(share);
  const top = isRight ? colours.right : colours.wrong;
  return top.map((value, channel) => Math.round(weight * value + (1 - weight) * colours.base[channel]));
}

function luminance(colour) {
  const [r, g, b] = colour.map((value) => { const v = value / 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const inkOn = (colour) => (luminance(colour) > 0.179 ? "#000000" : "#ffffff"); // 0.179: both give equal contrast

function worstClasses() {
  const wrong = splitData().confusion.cells.filter(([t, p]) => t !== p).sort((a, b) => b[2] - a[2]);
  const chosen = new Set();
  for (const [t, p] of wrong) {
    if (chosen.size + (chosen.has(t) ? 0 : 1) + (chosen.has(p) ? 0 : 1) > MAX_FOCUS) continue;
    chosen.add(t).add(p);
    if (chosen.size >= MAX_FOCUS) break;
  }
  return inOrder(chosen.size ? chosen : new Set(splitData().confusion.order.slice(0, MAX_FOCUS)));
}

const inOrder = (set) => splitData().confusion.order.filter((index) => set.has(index));

function neighbours(index, other) {
  const score = new Map();
  const add = (map, skip) => { for (const [k, n] of map || []) if (k !== skip) score.set(k, (score.get(k) || 0) + n); };
  add(counts().rows.get(index), index);
  add(counts().columns.get(index), index);
  const ranked = Array.from(score).sort((a, b) => b[1] - a[1]).map(([k]) => k);
  const chosen = new Set([index]);
  if (other !== undefined) chosen.add(other);
  for (const k of ranked) if (chosen.size < MAX_FOCUS) chosen.add(k);
  return inOrder(chosen);
}

function shownClasses() {
  const focus = focusBySplit[state.split];
  if (focus) return focus.classes;
  const order = splitData().confusion.order;
  return order.length <= MAX_TABLE ? order : worstClasses();
}

function cellText(number, support) {
  if (!number) return "";
  if (state.mode === "counts") return compact(number);
  const share = 100 * number / support;
  return share < 0.5 ? "<1" : share.toFixed(0);
}

// The row "no object" of a detector has no right answers: its total are the ghosts.
function totalText(t, support) {
  if (!support) return "—";
  if (t === splitData().confusion.none) return compact(support) + " ghosts";
  return percent(countOf(t, t) / support) + " of " + compact(support);
}

function matrixCell(t, p, colours, position) {
  const number = countOf(t, p), support = supportOf(t), share = support ? number / support : 0;
  const text = "labelled " + cut(CLASSES[t], 80) + ", predicted " + cut(CLASSES[p], 80) + ": " + whole(number) + " of " + whole(support);
  const cell = element("td", { class: "cell" + (number ? " some" : ""), role: "gridcell", tabindex: "-1", "aria-label": text, title: text, "data-at": position }, cellText(number, support));
  cell.dataset.pair = t + "," + p;
  if (number) {
    const colour = cellColour(colours, t === p, share);
    cell.style.background = "rgb(" + colour.join(",") + ")";
    cell.style.color = inkOn(colour);
  }
  return cell;
}

function drawMatrix() {
  const classes = shownClasses(), colours = themeColours();
  const head = element("tr", {}, element("th", { class: "corner", scope: "col" }, "true ↓ predicted →"));
  for (const p of classes) head.append(element("th", { scope: "col", title: CLASSES[p] }, element("div", {}, nameNode(p, 34))));
  head.append(element("th", { class: "corner", scope: "col" }, "recall"));
  const body = element("tbody", {});
  classes.forEach((t, row) => {
    const line = element("tr", { role: "row" }, element("th", { scope: "row", title: CLASSES[t] }, nameNode(t, 34)));
    classes.forEach((p, column) => line.append(matrixCell(t, p, colours, row + "," + column)));
    const support = supportOf(t);
    line.append(element("td", { class: "total" }, totalText(t, support)));
    body.append(line);
  });
  const table = element("table", { role: "grid", "aria-label": "Confusion matrix" }, element("thead", {}, head), body);
  for (const holder of activeBlocks("[data-matrix]")) holder.replaceChildren(table);
  const first = table.querySelector("td.cell");
  if (first) first.tabIndex = 0;
  table.addEventListener("click", (event) => { const cell = event.target.closest("td.cell.some"); if (cell) pick(cell); });
  table.addEventListener("keydown", (event) => moveInMatrix(event, table));
  describeFocus(classes);
  markOpenCell();
}

function describeFocus(classes) {
  const focus = focusBySplit[state.split], total = CLASSES.length;
  let text = "";
  if (focus) text = "Shown: “" + cut(CLASSES[focus.index], 60) + "” and what it is confused with (" + classes.length + " of " + whole(total) + " classes).";
  else if (classes.length < total) text = "Shown: the classes of the most confused pairs (" + classes.length + " of " + whole(total) + "). Find a class, or choose a cell of the map, to see another part.";
  for (const node of activeBlocks("[data-focus-text]")) node.textContent = text;
  for (const node of activeBlocks("[data-show-all]")) {
    node.hidden = !focus;
    node.textContent = total <= MAX_TABLE ? "Show all classes" : "Back to the most confused";
  }
}

function pick(cell) {
  cell.focus({ preventScroll: true });
  const [t, p] = cell.dataset.pair.split(",").map(Number);
  openCell(t, p);
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
function moveInMatrix(event, table) {
  const cell = event.target.closest("td.cell");
  if (!cell) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (cell.classList.contains("some")) pick(cell);
    return;
  }
  const step = STEPS[event.key];
  if (!step) return;
  const [row, column] = cell.dataset.at.split(",").map(Number);
  const next = table.querySelector('[data-at="' + (row + step[0]) + "," + (column + step[1]) + '"]');
  if (!next) return;
  event.preventDefault();
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function markOpenCell() {
  for (const cell of $$("td.cell.open")) cell.classList.remove("open");
  if (!state.open) return;
  for (const cell of activeBlocks('td.cell[data-pair="' + state.open.join(",") + '"]')) cell.classList.add("open");
}

function focusClass(index, other) {
  focusBySplit[state.split] = { index, classes: neighbours(index, other) };
  drawMatrix();
}

function suggest(input) {
  const wanted = input.value.trim().toLowerCase();
  const found = wanted ? CLASSES.map((name, index) => [name, index]).filter(([name]) => name.toLowerCase().includes(wanted)) : [];
  found.sort((a, b) => a[0].length - b[0].length);
  const choose = (index) => { focusClass(index); input.value = ""; suggest(input); };
  const buttons = found.slice(0, 8).map(([, index]) => element("button", { type: "button", class: "quiet", onclick: () => choose(index) }, nameNode(index, 40)));
  if (wanted && !found.length) buttons.push(element("span", { class: "muted small" }, "No class has this in its name."));
  if (found.length > 8) buttons.push(element("span", { class: "muted small" }, "and " + whole(found.length - 8) + " more"));
  for (const node of activeBlocks("[data-suggestions]")) node.replaceChildren(...buttons);
  return found.length ? () => choose(found[0][1]) : null;
}
