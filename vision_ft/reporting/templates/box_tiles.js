// Boxes as SVG over the image: truth, prediction at the thresholds, and what is wrong.
const SVG = "http://www.w3.org/2000/svg", MAX_NAMED_BOXES = 14;
const WEIGHTS = { localisation: 0.5, duplicate: 0.5 }; // as in the order of the worst images

const kindNeedsClass = () => false;

const isWrong = (found) => found.kind !== "hit" && found.kind !== "ignored";
const isAbout = (found, index) => found.label === index || (found.about !== null && found.about === index);

// Whether a wrong box is one of a cell of the matrix, where a loose box is a ghost and leaves its object missed.
function inCell(found, t, p) {
  const { none } = splitData().confusion;
  if (p === none) return found.kind === "localisation" && found.label === t;
  return found.label === p && (t === none ? found.kind !== "class" : found.kind === "class" && found.about === t);
}

function selectsFound(found) {
  if (!isWrong(found)) return false;
  if (picked.pair) return inCell(found, ...picked.pair);
  return (picked.kind === null || found.kind === picked.kind) && (picked.cls === null || isAbout(found, picked.cls));
}

function selectsTrue(truth) {
  if (!truth.missed) return false;
  if (picked.pair) return truth.label === picked.pair[0] && picked.pair[1] === splitData().confusion.none;
  return (picked.kind === null || picked.kind === "missed") && (picked.cls === null || truth.label === picked.cls);
}

function errorWeight(item) {
  const wrong = item.found.filter(selectsFound).reduce((sum, found) => sum + (WEIGHTS[found.kind] || 1), 0);
  return wrong + item.truth.filter(selectsTrue).length;
}

function describe(item) {
  const counts = new Map();
  const add = (kind) => counts.set(kind, (counts.get(kind) || 0) + 1);
  item.found.filter(selectsFound).forEach((found) => add(found.kind));
  item.truth.filter(selectsTrue).forEach(() => add("missed"));
  const titles = galleryOf().titles;
  const errors = Array.from(counts, ([kind, number]) => whole(number) + " " + titles[kind].toLowerCase());
  const hits = item.found.filter((found) => found.kind === "hit").length, asked = item.truth.filter((truth) => !truth.ignored).length;
  return whole(hits) + " of " + whole(asked) + " found" + (item.f1 === null ? "" : " · F1 " + percent(item.f1)) + " · " + (errors.join(", ") || "no error");
}

function svgNode(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function boxNode(item, box, style, text, label) {
  const [x1, y1, x2, y2] = box, size = Math.max(item.width, item.height) / 26;
  const group = svgNode("g", { class: "box " + (style.class || "") }, svgNode("title", {}, text));
  const place = { x: x1, y: y1, width: Math.max(x2 - x1, 0.5), height: Math.max(y2 - y1, 0.5) };
  group.append(svgNode("rect", { ...place, class: "halo" }), svgNode("rect", { ...place, stroke: style.colour, "stroke-dasharray": style.dash || "none" }));
  if (label) {
    const y = y1 > size * 1.2 ? y1 - size * 0.25 : Math.min(y2 + size, item.height - size * 0.2);
    group.append(svgNode("text", { x: Math.min(x1, item.width - size * 3), y, "font-size": size }, label));
  }
  return group;
}

const layerOf = (item, nodes) => svgNode("svg", { viewBox: "0 0 " + item.width + " " + item.height, "aria-hidden": "true" }, ...nodes);
const fades = (index) => (picked.cls !== null && index !== picked.cls) || (picked.pair !== null && !picked.pair.includes(index));

function trueLayer(item) {
  const name = item.truth.length <= MAX_NAMED_BOXES;
  return layerOf(item, item.truth.map((truth) => boxNode(item, truth.box, {
    colour: truth.ignored ? "#9a9a9a" : galleryOf().colours[truth.label], dash: truth.ignored ? "6 4" : "", class: fades(truth.label) ? "faded" : "",
  }, CLASSES[truth.label] + (truth.ignored ? " (crowd or difficult: does not count)" : truth.missed ? " (missed)" : ""), name ? cut(CLASSES[truth.label], 14) : "")));
}

function foundLayer(item) {
  const name = item.found.length <= MAX_NAMED_BOXES;
  return layerOf(item, item.found.map((found) => boxNode(item, found.box, { colour: galleryOf().colours[found.label], class: fades(found.label) ? "faded" : "" },
    CLASSES[found.label] + " " + found.score.toFixed(2), name ? cut(CLASSES[found.label], 14) + " " + found.score.toFixed(2) : "")));
}

function errorLayer(item) {
  const titles = galleryOf().titles;
  const right = item.found.filter((found) => found.kind === "hit").map((found) => boxNode(item, found.box, { colour: "#d9d9d9", class: "hit" }, CLASSES[found.label] + ": right"));
  const ignored = item.truth.filter((truth) => truth.ignored).map((truth) => boxNode(item, truth.box, { colour: "#9a9a9a", dash: "6 4" }, CLASSES[truth.label] + ": does not count"));
  const wrong = item.found.filter(selectsFound).map((found) => {
    const about = found.kind === "class" || found.kind === "both" ? ", is " + CLASSES[found.about] : "";
    return boxNode(item, found.box, { colour: errorColour(found.kind), class: "wrong" }, titles[found.kind] + ": " + CLASSES[found.label] + " " + found.score.toFixed(2) + about);
  });
  const missed = item.truth.filter(selectsTrue).map((truth) => boxNode(item, truth.box, { colour: errorColour("missed"), dash: "7 4", class: "wrong" }, "Missed: " + CLASSES[truth.label]));
  return layerOf(item, [...right, ...ignored, ...wrong, ...missed]);
}

function drawTiles(item) {
  return element("div", { class: "tiles", "data-painted": "true" }, tile(item, "Truth", trueLayer(item)), tile(item, "Prediction", foundLayer(item)), tile(item, "Errors", errorLayer(item), true));
}
