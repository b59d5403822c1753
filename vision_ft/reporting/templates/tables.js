// Tables that sort by a click on their heads, and the search in the table of classes.
function sortTable(table, column, ascending) {
  const body = table.tBodies[0];
  const value = (row) => row.cells[column].dataset.value || "";
  const rows = Array.from(body.rows);
  const numeric = column > 0;
  rows.sort((a, b) => {
    const x = value(a), y = value(b);
    if (x === "" || y === "") return (x === "") - (y === ""); // what is not defined stays last
    const order = numeric ? Number(x) - Number(y) : x.localeCompare(y, undefined, { numeric: true });
    return ascending ? order : -order;
  });
  body.append(...rows);
  Array.from(table.tHead.rows[0].cells).forEach((head, at) => {
    if (at === column) head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  });
}

function listenTables() {
  for (const table of $$("table.sortable")) {
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => sortTable(table, column, head.getAttribute("aria-sort") !== "ascending"));
    });
  }
  for (const input of $$("input[data-filter]")) {
    const block = input.closest("[data-split]");
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase(), rows = $$("tbody tr", block);
      for (const row of rows) row.hidden = !row.cells[0].dataset.value.toLowerCase().includes(wanted);
      const first = $$("tbody tr", block.querySelector("table")); // further tables of a section hold the same classes
      const shown = first.filter((row) => !row.hidden).length;
      block.querySelector("[data-filter-count]").textContent = wanted ? whole(shown) + " of " + whole(first.length) : "";
    });
  }
}
