// Zoom, search and keys of a flame graph. Each box has its place in counts: data-x, data-w, and its row: data-d.
"use strict";
(function () {
  const svg = document.documentElement;
  const total = Math.max(1, Number(svg.dataset.total));
  const side = 10, pad = 3, character = 7.2;
  const height = Number(svg.getAttribute("height")), narrowest = 360, field = 220;
  let wide = Number(svg.getAttribute("width")) - 2 * side;
  const id = (name) => document.getElementById(name);
  const boxes = Array.from(document.querySelectorAll(".f"), (g) => ({
    g,
    rect: g.querySelector("rect"),
    text: g.querySelector("text"),
    name: g.querySelector("title").textContent.split("\n")[0],
    about: g.querySelector("title").textContent.replace("\n", ": "),
    depth: Number(g.dataset.d),
    at: Number(g.dataset.x),
    count: Number(g.dataset.w),
  }));
  const whole = boxes[0];
  const title = id("t").textContent;
  let zoomed = whole;
  let current = whole;

  function fitting(name, width) {
    const room = Math.floor((width - 2 * pad) / character);
    if (name.length <= room) return name;
    return room > 3 ? name.slice(0, room - 2) + ".." : "";
  }

  function within(inner, outer) {
    return inner.at >= outer.at && inner.at + inner.count <= outer.at + outer.count;
  }

  function zoom(to) {
    zoomed = to;
    const scale = wide / Math.max(1, to.count);
    for (const box of boxes) {
      const caller = box.depth < to.depth && within(to, box);
      const shown = caller || (box.depth >= to.depth && within(box, to));
      box.g.classList.toggle("hidden", !shown);
      box.g.classList.toggle("below", caller);
      if (!shown) continue;
      const x = caller ? side : side + (box.at - to.at) * scale;
      const width = caller ? wide : Math.max(box.count * scale, 0);
      box.rect.setAttribute("x", x.toFixed(2));
      box.rect.setAttribute("width", width.toFixed(2));
      box.text.setAttribute("x", (x + pad).toFixed(2));
      box.text.textContent = fitting(box.name, width);
    }
    id("back").classList.toggle("hidden", to === whole);
  }

  // Use the width of the window, at the same size of letters: boxes become wider, and show more of their names.
  function fit() {
    const width = Math.max(narrowest, Math.floor(svg.getBoundingClientRect().width || window.innerWidth));
    svg.setAttribute("viewBox", "0 0 " + width + " " + height);
    wide = width - 2 * side;
    for (const text of document.querySelectorAll(".middle")) text.setAttribute("x", width / 2);
    // Its letters are larger than those of boxes, and the search stands next to it.
    id("name").textContent = fitting(title, (wide - field) * 12 / 16);
    id("found").setAttribute("x", width - side);
    id("search").setAttribute("x", width - side - field);
    zoom(zoomed);
  }

  function search(words) {
    let expression = null;
    try {
      expression = words ? new RegExp(words, "i") : null;
    } catch {
      id("found").textContent = "not a regular expression";
      return;
    }
    // Boxes stand callers first: what lies within one that was found is counted with it.
    let end = -1, sum = 0;
    for (const box of boxes) {
      const found = expression !== null && box !== whole && expression.test(box.name);
      box.g.classList.toggle("found", found);
      if (found && box.at >= end) {
        sum += box.count;
        end = box.at + box.count;
      }
    }
    id("found").textContent = expression ? "found: " + ((100 * sum) / total).toFixed(2) + " %" : "";
  }

  function tell(box) {
    id("told").textContent = box ? box.about : "";
  }

  function focus(box) {
    if (!box) return;
    current.g.setAttribute("tabindex", "-1");
    current = box;
    box.g.setAttribute("tabindex", "0");
    box.g.focus();
  }

  function shown(box) {
    return !box.g.classList.contains("hidden");
  }

  function beside(box, step) {
    const row = boxes.filter((other) => other.depth === box.depth && shown(other));
    return row[row.indexOf(box) + step];
  }

  const moves = {
    ArrowUp: (box) => boxes.find((o) => o.depth === box.depth + 1 && shown(o) && within(o, box)),
    ArrowDown: (box) => boxes.find((o) => o.depth === box.depth - 1 && within(box, o)),
    ArrowLeft: (box) => beside(box, -1),
    ArrowRight: (box) => beside(box, 1),
  };

  for (const box of boxes) {
    box.g.setAttribute("role", "button");
    box.g.setAttribute("tabindex", box === whole ? "0" : "-1");
    box.g.setAttribute("aria-label", box.about);
    box.g.addEventListener("click", () => zoom(box));
    box.g.addEventListener("mouseenter", () => tell(box));
    box.g.addEventListener("mouseleave", () => tell(null));
    box.g.addEventListener("focus", () => tell(box));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      zoom(whole);
    } else if (event.key === "f" && (event.ctrlKey || event.metaKey)) {
      id("search").firstElementChild.focus();
      id("search").firstElementChild.select();
    } else if (event.target.localName === "input") {
      return;
    } else if (event.key === "Enter" && event.target === id("back")) {
      zoom(whole);
    } else if (event.key === "Enter") {
      zoom(current);
    } else if (event.key === "/") {
      id("search").firstElementChild.focus();
    } else if (moves[event.key]) {
      focus(moves[event.key](current));
    } else {
      return;
    }
    event.preventDefault();
  });
  id("back").addEventListener("click", () => zoom(whole));
  id("search").classList.remove("hidden");
  id("search").firstElementChild.addEventListener("input", (event) => search(event.target.value));
  svg.setAttribute("role", "group");
  svg.setAttribute("width", "100%");
  window.addEventListener("resize", fit);
  fit();
})();
