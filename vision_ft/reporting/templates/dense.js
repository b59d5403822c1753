// The gallery of masks and boxes: filters by class, kind of error or cell of the matrix; worst images first.
// What differs by task is in mask_tiles.js or box_tiles.js: errorWeight(item), describe(item), drawTiles(item), kindNeedsClass().
const AT_ONCE = 6;
const picked = { cls: null, kind: null, pair: null, bare: false };
const galleryOf = () => splitData().gallery;
const errorColour = (kind) => galleryOf().kinds[kind];
const share = (value, digits) => (value === null ? "—" : percent(value, digits));

function jumpTo(changes) {
  Object.assign(picked, { cls: null, kind: null, pair: null }, changes);
  drawGallery();
  document.getElementById("gallery").scrollIntoView();
  const field = activeBlocks("[data-pick-class]")[0];
  if (field) field.focus({ preventScroll: true });
}

// The cells of the matrix and the links in the tables lead here, where other tasks open a drawer.
function openCell(t, p) {
  if (t === p) jumpTo({ cls: t });
  else jumpTo({ pair: [t, p] });
}
function openClass(index) { jumpTo({ cls: index }); }
function closeDrawer() {}
function fillGallery() {}

function chosenItems() {
  const items = galleryOf().items;
  if (picked.cls === null && picked.kind === null && picked.pair === null) return items;
  const weighed = items.map((item) => [errorWeight(item), item]).filter(([weight]) => weight > 0);
  return weighed.sort((a, b) => b[0] - a[0]).map(([, item]) => item);
}

function pairText(t, p) {
  const { none } = splitData().confusion, name = (index) => "“" + cut(CLASSES[index], 40) + "”";
  if (p === none) return name(t) + " missed";
  return t === none ? name(p) + " seen where none is" : name(t) + " taken for " + name(p);
}

function sayPicked(number) {
  const parts = [];
  if (picked.pair) parts.push(pairText(...picked.pair));
  if (picked.cls !== null) parts.push("“" + cut(CLASSES[picked.cls], 40) + "”");
  if (picked.kind) {
    const button = activeBlocks("[data-pick-kind]").find((one) => one.dataset.pickKind === picked.kind);
    if (button) parts.push(button.textContent.toLowerCase());
  }
  const total = galleryOf().items.length;
  let text = whole(number) + " of the " + whole(total) + " images here";
  text += parts.length ? " with errors: " + parts.join(", ") + ", most of them first." : ", worst first.";
  for (const node of activeBlocks("[data-picked]")) node.textContent = text;
  for (const node of activeBlocks("[data-pick-none]")) node.hidden = !parts.length;
}

function syncControls() {
  for (const field of activeBlocks("[data-pick-class]")) field.value = picked.cls === null ? "" : String(picked.cls);
  for (const button of activeBlocks("[data-pick-kind]")) {
    const kind = button.dataset.pickKind || null;
    button.setAttribute("aria-pressed", String(kind === picked.kind));
    button.disabled = kind !== null && picked.cls === null && kindNeedsClass();
    button.title = button.disabled ? "Choose a class first" : "";
  }
  for (const button of activeBlocks("[data-bare]")) button.setAttribute("aria-pressed", String(picked.bare));
}

function drawGallery() {
  if (kindNeedsClass() && picked.cls === null) picked.kind = null;
  const items = chosenItems();
  sayPicked(items.length);
  syncControls();
  for (const holder of activeBlocks("[data-dense]")) {
    holder.classList.toggle("bare", picked.bare);
    holder.replaceChildren();
    addItems(holder, items, 0);
  }
}

function addItems(holder, items, from) {
  const next = items.slice(from, from + AT_ONCE);
  holder.append(...next.map(drawItem));
  const left = items.length - from - next.length;
  if (left <= 0) return;
  const more = element("button", { type: "button", class: "quiet more", onclick: () => {
    more.remove();
    addItems(holder, items, from + AT_ONCE);
    const added = holder.children[from + AT_ONCE];
    if (added) added.focus({ preventScroll: true });
  } }, "Show more (" + whole(left) + ")");
  holder.append(more);
}

function drawItem(item) {
  const place = galleryOf().items.indexOf(item) + 1;
  const name = element("h3", {}, element("span", { class: "muted" }, place + ". "), cut(item.path, 90));
  const facts = [item.group === null ? null : cut(item.group, 60), describe(item)].filter(Boolean).join(" · ");
  return element("article", { tabindex: "-1", "aria-label": cut(item.path, 90) }, name, element("p", { class: "small muted" }, facts), drawTiles(item));
}

// A tile keeps its shape before its image is there, so that nothing jumps.
function tile(item, title, layer, isGrey) {
  const frame = element("div", { class: "tile" + (isGrey ? " grey" : "") });
  frame.style.aspectRatio = item.width + " / " + item.height;
  frame.append(item.image ? element("img", { src: item.image, alt: "", decoding: "async" }) : element("span", {}, "image not found"));
  if (layer) frame.append(layer);
  return element("figure", {}, element("figcaption", {}, title), frame);
}

function listenGallery() {
  for (const field of $$("[data-pick-class]")) {
    field.addEventListener("change", () => { picked.cls = field.value === "" ? null : Number(field.value); picked.pair = null; drawGallery(); });
  }
  for (const button of $$("[data-pick-kind]")) {
    button.addEventListener("click", () => { picked.kind = button.dataset.pickKind || null; picked.pair = null; drawGallery(); });
  }
  for (const button of $$("[data-bare]")) button.addEventListener("click", () => { picked.bare = !picked.bare; drawGallery(); });
  for (const button of $$("[data-pick-none]")) {
    button.addEventListener("click", () => {
      Object.assign(picked, { cls: null, kind: null, pair: null });
      drawGallery();
      const field = activeBlocks("[data-pick-class]")[0];
      if (field) field.focus({ preventScroll: true });
    });
  }
  for (const button of $$("[data-show-kind]")) button.addEventListener("click", () => jumpTo({ kind: button.dataset.showKind }));
}
