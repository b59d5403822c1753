// Label maps: inflated from the page's data and painted over the image, truth, prediction and what is wrong.
const NOTHING = 255, CLASS_ALPHA = 140, ERROR_ALPHA = 205;

const kindNeedsClass = () => galleryOf().background === null;

function packed(colour, alpha) { // "#rrggbb" as the little-endian word of a canvas
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

// Which kind of error a pixel of class t that was called p is, under what is picked; null for none.
function kindOf(t, p) {
  if (t === p) return null;
  if (picked.pair && (t !== picked.pair[0] || p !== picked.pair[1])) return null;
  const { background } = galleryOf();
  let kind = "confused";
  if (picked.cls !== null) kind = t === picked.cls ? "missed" : p === picked.cls ? "ghost" : null;
  else if (background !== null && p === background) kind = "missed";
  else if (background !== null && t === background) kind = "ghost";
  return picked.kind === null || kind === picked.kind ? kind : null;
}

function errorWeight(item) {
  let wrong = 0, all = 0;
  for (const [t, p, n] of item.cells) { all += n; if (kindOf(t, p)) wrong += n; }
  return all ? wrong / all : 0;
}

function describe(item) {
  let text = "mIoU " + share(item.miou) + " · " + share(item.accuracy) + " of the pixels right · " + share(item.confidence) + " sure";
  if (picked.cls !== null || picked.kind || picked.pair) text += " · " + percent(errorWeight(item), 1) + " of the pixels wrong in this way";
  return text;
}

async function inflate(text) {
  if (!text) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
const inflated = new WeakMap();
function mapsOf(item) {
  if (!inflated.has(item)) inflated.set(item, Promise.all([inflate(item.truth), inflate(item.predicted)]));
  return inflated.get(item);
}

function paint(canvas, wordAt) {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  const words = new Uint32Array(image.data.buffer);
  for (let at = 0; at < words.length; at++) words[at] = wordAt(at);
  context.putImageData(image, 0, 0);
}

function classPainter(labels) {
  const { colours, background } = galleryOf();
  const only = picked.pair || (picked.cls === null ? null : [picked.cls]);
  const words = colours.map((colour, index) => ((only ? !only.includes(index) : index === background) ? 0 : packed(colour, CLASS_ALPHA)));
  return (at) => words[labels[at]] || 0;
}

function errorPainter(truth, predicted, width) {
  const size = CLASSES.length, words = new Uint32Array(size * size);
  for (let t = 0; t < size; t++) {
    for (let p = 0; p < size; p++) { const kind = kindOf(t, p); if (kind) words[t * size + p] = packed(errorColour(kind), ERROR_ALPHA); }
  }
  const dark = packed("#3a3a3a", 190), light = packed("#bdbdbd", 190);
  return (at) => {
    const t = truth[at], p = predicted[at];
    if (t === NOTHING) return ((at % width) + Math.floor(at / width)) % 8 < 4 ? dark : light; // hatched: does not count
    return t < size && p < size ? words[t * size + p] : 0;
  };
}

function drawTiles(item) {
  const layer = () => element("canvas", { width: item.width, height: item.height });
  const layers = [layer(), layer(), layer()];
  const under = element("p", { class: "small muted under" }, "Point at an image to read the classes.");
  const trio = element("div", { class: "tiles" },
    tile(item, item.truth ? "Truth" : "Truth: not found", layers[0]), tile(item, "Prediction", layers[1]), tile(item, "Errors", layers[2], true));
  mapsOf(item).then(([truth, predicted]) => {
    if (truth) paint(layers[0], classPainter(truth));
    if (predicted) paint(layers[1], classPainter(predicted));
    if (truth && predicted) paint(layers[2], errorPainter(truth, predicted, item.width));
    trio.dataset.painted = "true";
    trio.addEventListener("pointermove", (event) => sayPixel(event, under, item, truth, predicted));
  });
  return element("div", {}, trio, under);
}

function sayPixel(event, under, item, truth, predicted) {
  const frame = event.target.closest(".tile");
  if (!frame) return;
  const box = frame.getBoundingClientRect();
  const x = Math.min(item.width - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * item.width)));
  const y = Math.min(item.height - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * item.height)));
  const name = (labels) => (!labels ? "not known" : labels[y * item.width + x] >= CLASSES.length ? "not counted" : cut(CLASSES[labels[y * item.width + x]], 50));
  under.textContent = "Here: truth " + name(truth) + ", prediction " + name(predicted) + ".";
}
