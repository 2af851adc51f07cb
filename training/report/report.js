"use strict";
(() => {
  const NUMBER = /^[~<>\u2264\u2265\u2248\u00b1]*\s*([-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:inf(?:inity)?(?![a-z])|\u221e))/i;
  const DATE = /^\s*\d{4}-\d\d-\d\d\b/;

  // The number with which a cell begins, or null. A date is none: dates are sorted as words.
  function numberOf(text) {
    if (DATE.test(text)) return null;
    const found = NUMBER.exec(text.trim().replace(/\u2212/g, "-"));
    if (!found) return null;
    if (/inf|\u221e/i.test(found[1])) return found[1].startsWith("-") ? -Infinity : Infinity;
    return parseFloat(found[1].replace(/,/g, ""));
  }

  const WORDS = new Intl.Collator("en", { numeric: true });
  function compare(a, b, isText) {
    if (isText) return WORDS.compare(a.text, b.text);
    return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
  }

  // Of the cells that hold something most hold words.
  function holdsWords(texts) {
    const told = texts.filter((text) => !["", "-", "?", "none"].includes(text));
    return 2 * told.filter((text) => numberOf(text) === null).length > told.length;
  }

  // Ascending, descending, as it was. Cells that hold no number stand last in columns of numbers.
  function sort(table, column, heading) {
    const body = table.tBodies[0];
    const next = { none: "ascending", ascending: "descending", descending: "none" };
    const order = next[heading.getAttribute("aria-sort") || "none"];
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (order !== "none") heading.setAttribute("aria-sort", order);
    // Each cell is read once, however often it is compared.
    const entries = table.asItWas.map((row) => {
      const text = row.cells[column] ? row.cells[column].textContent.trim() : "";
      return { row, text, number: numberOf(text) };
    });
    const isText = holdsWords(entries.map((entry) => entry.text));
    const isLast = (entry) => !isText && entry.number === null;
    if (order !== "none") {
      const sign = order === "ascending" ? 1 : -1;
      entries.sort((a, b) => isLast(a) - isLast(b) || sign * compare(a, b, isText));
    }
    for (const { row } of entries) body.append(row);
  }

  for (const table of document.querySelectorAll("table.sortable, .all table")) {
    let head = table.tHead;
    const body = table.tBodies[0];
    if (!body || !(head || body).rows.length) continue;
    if (!head) {
      head = table.createTHead();
      head.append(body.rows[0]);
    }
    table.asItWas = [...body.rows];
    if (table.asItWas.length < 2) continue;
    [...head.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, column, heading));
      heading.append(button);
    });
  }

  // Films that play by themselves wait for whoever has asked for less motion.
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    for (const film of document.querySelectorAll(".moving")) film.open = false;
  }

  // What scrolls sideways can be reached by keyboard. All is measured before anything is changed.
  const frames = [...document.querySelectorAll(".wide, pre")];
  for (const frame of frames.filter((one) => one.scrollWidth > one.clientWidth)) {
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", frame.tagName === "PRE" ? "Text that scrolls" : "Table that scrolls");
  }

  const dialog = document.getElementById("large");
  const part = (selector) => dialog.querySelector(selector);
  const title = document.getElementById("large-title");
  const large = part(".large"), space = part(".space"), steps = part(".steps");
  const caption = part(".caption"), choice = part("select");

  function show(name, text, isView) {
    title.textContent = name;
    caption.textContent = text;
    steps.hidden = space.hidden = !isView;
    large.hidden = isView;
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  dialog.addEventListener("close", () => {
    large.replaceChildren();
    if (window.Plotly) window.Plotly.purge(space);
  });
  part(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  for (const picture of document.querySelectorAll("figure img")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    button.title = "Enlarge";
    button.setAttribute("aria-haspopup", "dialog");
    picture.replaceWith(button);
    button.append(picture);
    button.addEventListener("click", () => {
      const copy = picture.cloneNode();
      copy.loading = "eager";
      large.replaceChildren(copy);
      const told = picture.closest("figure").querySelector("figcaption");
      const hint = told ? told.querySelector(".hint") : null;
      const text = told ? told.textContent : "";
      show("Figure", hint ? text.replace(hint.textContent, "").trim() : text, false);
    });
  }

  // The library is packed, and read when the first view is asked for.
  let library = null;
  function unpacked() {
    library = library || (async () => {
      const text = document.getElementById("plotly").textContent;
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      const script = document.createElement("script");
      script.textContent = await new Response(stream).text();
      document.head.append(script);
    })();
    return library;
  }

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const START = { x: 1.7, y: 1.35, z: 1 };
  let eye = START;

  function layout(view) {
    const scene = { aspectmode: "cube", camera: { eye }, bgcolor: "rgba(0,0,0,0)" };
    "xyz".split("").forEach((axis, k) => {
      scene[axis + "axis"] = {
        title: { text: view.axes[k] }, range: view.ranges[k], color: color("--ink"),
        gridcolor: color("--line"), zerolinecolor: color("--line"), showspikes: false,
      };
    });
    return {
      scene, uirevision: "same", margin: { l: 0, r: 0, t: 0, b: 0 },
      paper_bgcolor: "rgba(0,0,0,0)", font: { color: color("--ink") },
      legend: { orientation: "h", itemsizing: "constant" },
    };
  }

  function draw(view) {
    const options = { displayModeBar: false, responsive: true };
    return window.Plotly.react(space, view.steps[choice.value].traces, layout(view), options);
  }

  // Arrow keys turn the view, as the mouse does.
  function turn(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const way = ways[event.key];
    if (!way || !window.Plotly || !space.layout) return;
    event.preventDefault();
    const camera = space.layout.scene.camera;
    const { x, y, z } = camera && camera.eye ? camera.eye : START;
    const size = Math.hypot(x, y, z);
    const around = Math.atan2(y, x) + 0.15 * way[0];
    const up = Math.max(-1.5, Math.min(1.5, Math.asin(z / size) + 0.15 * way[1]));
    eye = { x: size * Math.cos(up) * Math.cos(around), y: size * Math.cos(up) * Math.sin(around), z: size * Math.sin(up) };
    window.Plotly.relayout(space, { "scene.camera.eye": eye });
  }
  space.addEventListener("keydown", turn);

  for (const button of document.querySelectorAll("button.turn")) {
    button.addEventListener("click", async () => {
      const view = JSON.parse(document.getElementById("view-" + button.dataset.view).textContent);
      choice.replaceChildren(...view.steps.map((step, k) => new Option(step.name, k)));
      choice.onchange = () => draw(view);
      eye = START;
      space.setAttribute("role", "img");
      space.setAttribute("aria-label", view.title + ". " + view.note + " The arrow keys turn it.");
      const only = view.steps.length < 2 ? view.steps[0].name + ". " : "";
      show(view.title, only + view.note + " It turns with the mouse, or with the arrow keys.", true);
      space.focus();
      steps.hidden = view.steps.length < 2;
      try {
        await unpacked();
        await draw(view);
        space.dataset.drawn = "yes";
      } catch (error) {
        caption.textContent = "This browser cannot draw it: " + error.message;
      }
    });
  }
})();
