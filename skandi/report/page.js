"use strict";
// A table that sorts, filters and turns pages, and a drawing of the chosen track. Text from the data
// only ever becomes textContent.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const columns = data.columns;
  const column = Object.fromEntries(columns.map((c) => [c.name, c]));
  const PAGE = 100;
  const element = (id) => document.getElementById(id);
  const searched = columns.filter((c) => c.text);
  const haystack = Array.from({ length: data.n_rows }, (_, row) =>
    searched.map((c) => c.values[row]).join("\n").toLowerCase());

  let rows = [];
  let page = 0;
  let sorted = { index: null, descending: false };
  let chosen = null;

  const natural = new Intl.Collator("en", { numeric: true });
  function order() {
    if (sorted.index === null) return;
    const { text, values } = columns[sorted.index];
    const sign = sorted.descending ? -1 : 1;
    const missing = (v) => v === null || v === "";
    rows.sort((a, b) => {
      const [x, y] = [values[a], values[b]];
      if (missing(x) || missing(y)) return missing(x) - missing(y) || a - b; // always last
      return sign * (text ? natural.compare(x, y) : x - y) || a - b;
    });
  }

  function filter() {
    const wanted = element("filter-text").value.trim().toLowerCase();
    const bound = (id, otherwise) => {
      const value = element(id).value;
      return value === "" ? otherwise : Number(value);
    };
    const [low, high] = [bound("filter-low", -Infinity), bound("filter-high", Infinity)];
    const bounded = low > -Infinity || high < Infinity;
    const answer = element("filter-answer").value;
    rows = [];
    for (let row = 0; row < data.n_rows; row++) {
      const alpha = column.alpha.values[row];
      if (wanted && !haystack[row].includes(wanted)) continue;
      if (bounded && (alpha === null || alpha < low || alpha > high)) continue;
      if (answer === "novel" && column.is_novel.values[row] !== "yes") continue;
      if ((answer === "yes" && alpha === null) || (answer === "no" && alpha !== null)) continue;
      rows.push(row);
    }
    order();
    page = 0;
    show();
  }

  function make(tag, text, parent) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  function show() {
    const head = make("tr");
    columns.forEach((c, index) => {
      const cell = make("th", undefined, head);
      cell.scope = "col";
      if (!c.text) cell.className = "number";
      if (sorted.index === index) cell.ariaSort = sorted.descending ? "descending" : "ascending";
      const button = make("button", c.title, cell);
      button.type = "button";
      button.addEventListener("click", () => {
        sorted = { index, descending: sorted.index === index && !sorted.descending };
        order();
        page = 0;
        show();
        element("table").tHead.rows[0].cells[index].firstChild.focus();
      });
    });
    element("table").tHead.replaceChildren(head);
    const shown = rows.slice(page * PAGE, (page + 1) * PAGE).map((row) => {
      const line = make("tr");
      line.tabIndex = 0;
      line.dataset.row = row;
      line.ariaSelected = String(row === chosen);
      for (const c of columns) {
        const value = c.values[row];
        const shown = c.digits === null ? String(value) : value?.toFixed(c.digits);
        const cell = make("td", value === null ? "" : shown, line);
        if (!c.text) cell.className = "number";
      }
      return line;
    });
    element("table").tBodies[0].replaceChildren(...shown);
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    element("page").textContent = `page ${page + 1} of ${pages}`;
    element("previous").disabled = page === 0;
    element("next").disabled = page + 1 >= pages;
    element("count").textContent = `${rows.length} of ${data.n_rows} tracks`;
  }

  function choose(line) {
    if (!line) return;
    chosen = Number(line.dataset.row);
    for (const other of element("table").tBodies[0].rows) other.ariaSelected = String(other === line);
    draw(chosen);
  }

  // Positions: 16-bit numbers within the box of the track, axis after axis in each point.
  function positions(track) {
    const bytes = Uint8Array.from(atob(track.points), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const d = track.low.length;
    return Array.from({ length: bytes.length / 2 / d }, (_, i) =>
      track.low.map((low, axis) => low + 2 * track.half[axis] * (view.getUint16(2 * (i * d + axis), true) / 65535)));
  }

  function svg(tag, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function ticks(low, high) {
    const rough = (high - low) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high && found.length < 12; k++) found.push(k * step);
    return found;
  }

  // From dark blue over green to yellow, as viridis.
  const STOPS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [236, 205, 30]];
  function color(part) {
    const at = part * (STOPS.length - 1);
    const k = Math.min(Math.floor(at), STOPS.length - 2);
    return `rgb(${STOPS[k].map((v, i) => Math.round(v + (STOPS[k + 1][i] - v) * (at - k))).join(",")})`;
  }

  function draw(row) {
    const track = data.tracks[row];
    const unit = data.sets[track.set];
    const flat = track.low.length === 1;
    const length = (name) => `${name} (${unit.space || "unit of the input"})`;
    const points = positions(track).map((p, i) =>
      flat ? [i * track.every * unit.interval, p[0]] : [p[0], p[1]]);
    const box = { left: 56, right: 350, top: 10, bottom: 296 };
    const [width, height] = [box.right - box.left, box.bottom - box.top];
    const range = [0, 1].map((axis) => {
      const values = points.map((p) => p[axis]);
      return [Math.min(...values), Math.max(...values)];
    });
    let scale = range.map(([low, high], axis) => (axis ? height : width) / ((high - low) || 1) * 0.94);
    if (!flat) { // one scale for both axes
      const moved = scale.filter((_, axis) => range[axis][1] > range[axis][0]);
      const both = moved.length ? Math.min(...moved) : 1;
      scale = [both, both];
    }
    const middle = range.map(([low, high]) => low / 2 + high / 2);
    const x = (v) => (box.left + box.right) / 2 + (v - middle[0]) * scale[0];
    const y = (v) => (box.top + box.bottom) / 2 - (v - middle[1]) * scale[1];
    const parts = [];
    parts.push(svg("path", { d: `M${box.left},${box.top}V${box.bottom}H${box.right}`, fill: "none", stroke: "#555" }));
    const digits = (v) => String(Number(v.toPrecision(6)));
    for (const v of ticks(middle[0] - width / 2 / scale[0], middle[0] + width / 2 / scale[0])) {
      parts.push(svg("path", { d: `M${x(v)},${box.bottom}v4`, stroke: "#555" }));
      parts.push(svg("text", { x: x(v), y: box.bottom + 16, "text-anchor": "middle" }, digits(v)));
    }
    for (const v of ticks(middle[1] - height / 2 / scale[1], middle[1] + height / 2 / scale[1])) {
      parts.push(svg("path", { d: `M${box.left},${y(v)}h-4`, stroke: "#555" }));
      parts.push(svg("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, digits(v)));
    }
    const below = flat ? `time (${unit.time})` : length("x");
    parts.push(svg("text", { x: (box.left + box.right) / 2, y: 332, "text-anchor": "middle" }, below));
    const beside = { transform: `translate(12 ${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" };
    parts.push(svg("text", beside, length(flat ? "x" : "y")));
    const pieces = Math.min(60, points.length - 1);
    for (let k = 0; k < pieces; k++) {
      const [from, to] = [k, k + 1].map((j) => Math.floor((j * (points.length - 1)) / pieces));
      const line = points.slice(from, to + 1).map((p) => `${x(p[0]).toFixed(2)},${y(p[1]).toFixed(2)}`).join(" ");
      parts.push(svg("polyline", { points: line, fill: "none", stroke: color(k / pieces), "stroke-width": 1.3, "stroke-linejoin": "round" }));
    }
    parts.push(svg("circle", { cx: x(points[0][0]), cy: y(points[0][1]), r: 3, fill: color(0) }));
    element("drawing").replaceChildren(...parts);
    const thinned = track.every > 1 ? `; every ${track.every}th point is drawn` : "";
    const projected = track.low.length === 3 ? "; seen along z" : "";
    const told = flat ? "" : "dark to bright: start to end";
    element("caption").textContent = `Track ${column.track_id.values[row]}: ${told}${projected}${thinned}`.replace(/: (; )?$/, "").replace(": ; ", ": ");
  }

  const body = element("table").tBodies[0];
  body.addEventListener("click", (event) => choose(event.target.closest("tr")));
  body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(event.target.closest("tr"));
    }
  });
  element("filters").addEventListener("input", filter);
  element("filters").addEventListener("submit", (event) => event.preventDefault());
  element("previous").addEventListener("click", () => { page -= 1; show(); });
  element("next").addEventListener("click", () => { page += 1; show(); });
  filter();
  choose(body.rows[0]);
})();
