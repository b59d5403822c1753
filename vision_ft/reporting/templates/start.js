// Wiring: the split switch, the theme, the contents and the first drawing.
function showSplit(name) {
  closeDrawer();
  state.split = name;
  for (const block of $$("[data-split]")) block.hidden = block.dataset.split !== name;
  for (const button of $$("[data-split-button]")) button.setAttribute("aria-pressed", String(button.dataset.splitButton === name));
  drawSplit();
}

function drawSplit() {
  if (splitData().confusion) { drawMatrix(); drawHeat(); }
  for (const holder of activeBlocks("[data-gallery]")) {
    const found = splitData()[holder.dataset.gallery];
    if (found && !holder.childElementCount) fillGallery(holder, found.pictures);
  }
  if (splitData().gallery) drawGallery(); // masks and boxes
}

function setMode(mode) {
  state.mode = mode;
  for (const button of $$("[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  drawMatrix();
}

function listenContents() {
  const links = new Map($$(".contents a").map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id).setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const section of $$("main > section")) seen.observe(section);
}

document.addEventListener("click", (event) => {
  const cell = event.target.closest("button[data-cell]");
  if (cell) openCell(...cell.dataset.cell.split(",").map(Number));
  const name = event.target.closest("button[data-class]");
  if (name) openClass(Number(name.dataset.class));
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeDrawer(); });
document.getElementById("drawer-close").addEventListener("click", closeDrawer);
for (const button of $$("[data-split-button]")) button.addEventListener("click", () => showSplit(button.dataset.splitButton));
for (const button of $$("[data-mode]")) button.addEventListener("click", () => setMode(button.dataset.mode));
for (const button of $$("[data-show-all]")) button.addEventListener("click", () => { delete focusBySplit[state.split]; drawMatrix(); });
for (const input of $$("input[data-find]")) {
  input.addEventListener("input", () => suggest(input));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const first = suggest(input);
    if (first) first();
  });
}
for (const canvas of $$("[data-heat] canvas")) listenHeat(canvas);
listenTables();
if (typeof listenGallery === "function") listenGallery();
listenContents();
listenTheme(() => { if (splitData().confusion) { drawMatrix(); drawHeat(); } });
drawSplit();
