// Sorting and filtering. The page reads well without it.
"use strict";
(() => {
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    const text = cell && cell.colSpan === 1 ? cell.dataset.v : undefined;
    if (text === undefined || text === "") return null;
    return isNaN(text) ? text.toLowerCase() : Number(text);
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));

  const sortBy = (table, column, descending) => {
    const rows = [...table.tBodies[0].rows].map((row, place) => ({ row, place, value: valueOf(row, column) }));
    rows.sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.place - b.place;
      return (descending ? -1 : 1) * compare(a.value, b.value) || a.place - b.place;
    });
    table.tBodies[0].append(...rows.map((entry) => entry.row));
  };

  const makeSortable = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (![...table.tBodies[0].rows].some((row) => valueOf(row, column) !== null)) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sortBy(table, column, descending);
      });
    });
  };

  const makeFilterable = (bar) => {
    const rows = [...bar.parentElement.querySelector("table").tBodies[0].rows];
    const find = bar.querySelector("[data-find]"), batch = bar.querySelector("[data-batch]");
    const ran = bar.querySelector("[data-ran]"), shown = bar.querySelector("[data-shown]");
    const apply = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row) => {
        const text = row.textContent.toLowerCase();
        const fits = words.every((word) => text.includes(word)) && (!batch.value || row.dataset.batch === batch.value)
          && (!ran.checked || "ran" in row.dataset);
        row.hidden = !fits;
        count += fits;
      });
      shown.textContent = count === rows.length ? "" : `${count} of ${rows.length} rows`;
    };
    bar.addEventListener("input", apply);
    bar.hidden = false;
  };

  document.querySelectorAll("table.results").forEach(makeSortable);
  document.querySelectorAll(".filters").forEach(makeFilterable);
})();
