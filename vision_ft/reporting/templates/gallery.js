// Galleries of images, and the drawer with the images behind a cell.
const PAGE_SIZE = 24;

// A path may break after each slash, not in the middle of a name.
function breakable(path) {
  return path.split("/").flatMap((part, at, parts) => (at < parts.length - 1 ? [part + "/", element("wbr")] : [part]));
}

function figure(item) {
  const [path, t, p, confidence, trueScore, thumbnail, group] = item;
  const frame = element("div", { class: "frame" });
  if (thumbnail >= 0) {
    const label = "labelled " + cut(CLASSES[t], 60) + ", predicted " + cut(CLASSES[p], 60);
    frame.append(element("img", { src: DATA.thumbnails[thumbnail], alt: label, decoding: "async" }));
  } else {
    frame.append(element("span", {}, cut(path, 90)));
  }
  const node = element("figure", { class: t === p ? "hit" : "miss" }, frame);
  node.append(element("div", { class: "true" }, nameNode(t, 36)));
  node.append(element("div", { class: "guess" }, "→\u00a0", nameNode(p, 36)));
  if (confidence !== null) {
    let text = percent(confidence) + " sure";
    if (trueScore !== null && t !== p) text += ", label " + percent(trueScore);
    node.append(element("div", {}, text));
  }
  if (group !== null) node.append(element("div", { class: "path" }, cut(group, 60)));
  node.append(element("div", { class: "path", title: path }, ...breakable(cut(path, 64))));
  return node;
}

function fillGallery(container, positions) {
  const pictures = splitData().pictures;
  let shown = 0;
  container.replaceChildren();
  const more = element("button", { type: "button", class: "quiet more", onclick: () => add(true) });
  function add(moveFocus) {
    const next = positions.slice(shown, shown + PAGE_SIZE).map((place) => figure(pictures[place]));
    shown += next.length;
    more.remove();
    container.append(...next);
    const left = positions.length - shown;
    if (left > 0) {
      more.textContent = "Show more (" + whole(left) + ")";
      container.append(more);
      if (moveFocus) more.focus({ preventScroll: true });
    }
  }
  add(false);
}

// Images of the page by cell: "true,predicted" -> positions.
const cellCache = {};
function picturesOf(t, p) {
  if (!cellCache[state.split]) {
    const cells = new Map();
    splitData().pictures.forEach((item, place) => {
      const key = item[1] + "," + item[2];
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(place);
    });
    cellCache[state.split] = cells;
  }
  const pictures = splitData().pictures;
  const places = (cellCache[state.split].get(t + "," + p) || []).slice();
  return t === p ? places.sort((a, b) => pictures[a][3] - pictures[b][3]) : places.sort((a, b) => pictures[b][3] - pictures[a][3]);
}

let opener = null;
function openDrawer(title, text, links, positions) {
  const drawer = document.getElementById("drawer");
  if (drawer.hidden) opener = document.activeElement;
  const heading = document.getElementById("drawer-title");
  heading.replaceChildren(...title);
  document.getElementById("drawer-text").textContent = text;
  document.getElementById("drawer-links").replaceChildren(...links);
  fillGallery(document.getElementById("drawer-gallery"), positions);
  drawer.hidden = false;
  drawer.scrollTop = 0;
  drawer.focus({ preventScroll: true });
  say(heading.textContent + ". " + text);
}

function closeDrawer() {
  const drawer = document.getElementById("drawer");
  if (drawer.hidden) return;
  drawer.hidden = true;
  state.open = null;
  markOpenCell();
  if (opener && opener.isConnected) opener.focus({ preventScroll: true });
}

function cellLink(t, p, text) {
  return element("button", { type: "button", class: "link", onclick: () => openCell(t, p) }, text);
}

function openCell(t, p) {
  const number = countOf(t, p), support = supportOf(t), places = picturesOf(t, p);
  const title = t === p ? [nameNode(t, 60), ": right"] : [nameNode(t, 60), " taken for ", nameNode(p, 60)];
  let text = whole(number) + " of " + whole(support) + " images";
  if (support) {
    const [low, high] = wilson(number, support);
    text += ": " + percent(number / support) + " (95% interval " + percent(low) + "–" + percent(high) + ").";
  }
  if (places.length < number) {
    text += t === p ? " Shown: " + places.length + ", the least and the most confident." : " Shown: " + whole(places.length) + "; all mistakes are in mistakes.csv.";
  }
  const links = [];
  if (t !== p) {
    links.push(cellLink(p, t, "The other way: " + whole(countOf(p, t))));
    links.push(cellLink(t, t, "Right ones of the first: " + whole(countOf(t, t))));
    links.push(cellLink(p, p, "Right ones of the second: " + whole(countOf(p, p))));
  }
  state.open = [t, p];
  openDrawer(title, text, links, places);
  markOpenCell();
}

function openClass(index) {
  const row = Array.from(counts().rows.get(index) || []).filter(([p]) => p !== index);
  const column = Array.from(counts().columns.get(index) || []).filter(([t]) => t !== index);
  const byCount = (a, b) => b[1] - a[1];
  const missed = row.reduce((sum, [, n]) => sum + n, 0), wrongly = column.reduce((sum, [, n]) => sum + n, 0);
  const places = row.sort(byCount).flatMap(([p]) => picturesOf(index, p)).concat(column.sort(byCount).flatMap(([t]) => picturesOf(t, index)));
  const text = whole(supportOf(index)) + " images: " + whole(countOf(index, index)) + " right, " + whole(missed) +
    " taken for another class; " + whole(wrongly) + " of other classes taken for it.";
  state.open = null;
  openDrawer([nameNode(index, 60)], text, [cellLink(index, index, "Right ones: " + whole(countOf(index, index)))], places);
  markOpenCell();
}
