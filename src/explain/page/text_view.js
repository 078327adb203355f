// The text itself: the focused token has a ring, and the others the colour of their weight.
const texts = document.getElementById("texts");
const spans = { query: [], key: [] };

function tokenSpan(text, label) {
  const span = document.createElement("span");
  span.className = "token";
  // A newline breaks the line after a mark that can be pointed at.
  if (text.includes("\n")) {
    for (const part of text.split(/(\n)/)) {
      if (part !== "\n") {
        span.append(part);
        continue;
      }
      const mark = document.createElement("i");
      mark.textContent = "↵";
      span.append(mark, "\n");
    }
  } else {
    span.textContent = text;
    if (/^(\\x[0-9a-f]{2}|\\u\{[0-9a-f]+\})+$/.test(text)) span.classList.add("escaped");
  }
  span.tabIndex = -1;
  span.setAttribute("role", "option");
  span.setAttribute("aria-label", label);
  return span;
}

function addText(tokens, sides, title) {
  if (title) {
    const heading = document.createElement("p");
    heading.className = "text-title";
    heading.textContent = title;
    texts.append(heading);
  }
  const box = document.createElement("div");
  box.className = "text";
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", title || "Tokens of the text. Arrow keys move from token to token.");
  const list = tokens.texts.map((text, i) => tokenSpan(text, tokens.labels[i]));
  // The space before a word stays outside its colour; at the end of a line it would be a coloured sliver.
  list.forEach((span, i) => {
    const word = /^ (?=\S)/.test(tokens.texts[i]);
    if (word) span.firstChild.data = span.firstChild.data.slice(1);
    box.append(...(word ? [" ", span] : [span]));
  });
  box.classList.toggle("short", tokens.texts.join("").length < 300);
  texts.append(box);
  for (const side of sides) spans[side] = list;

  const sideNow = () => (sides.length > 1 ? state.pinned.side : sides[0]);
  const indexOf = (event) => list.indexOf(event.target.closest(".token"));
  box.addEventListener("pointerover", (event) => {
    const index = indexOf(event);
    if (event.pointerType === "mouse" && index >= 0) preview({ side: sideNow(), index });
  });
  box.addEventListener("pointerleave", () => state.preview && preview(null));
  box.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index >= 0) pin(sideNow(), index);
  });
  box.addEventListener("keydown", (event) => {
    const index = indexOf(event);
    const next = index < 0 ? -1 : neighbour(list, index, event.key);
    if (next < 0) return;
    event.preventDefault();
    pin(sideNow(), next);
    list[next].focus();
  });
}

// The token that a key leads to, -1 for keys that do not move.
function neighbour(list, index, key) {
  if (key === "ArrowLeft") return Math.max(index - 1, 0);
  if (key === "ArrowRight") return Math.min(index + 1, list.length - 1);
  if (key === "Home") return 0;
  if (key === "End") return list.length - 1;
  if (key !== "ArrowUp" && key !== "ArrowDown") return -1;
  // The first token of another line in that direction, then the one of that line closest to straight above or below.
  const step = key === "ArrowUp" ? -1 : 1;
  const start = list[index];
  let best = index;
  for (let i = index + step, line = null; i >= 0 && i < list.length; i += step) {
    const top = list[i].offsetTop;
    if (line === null && top === start.offsetTop) continue;
    if (line !== null && top !== line) break;
    const off = (token) => Math.abs(token.offsetLeft - start.offsetLeft);
    if (line === null || off(list[i]) < off(list[best])) best = i;
    line = top;
  }
  return best;
}

// Scrolls the text, and never the page, so far that the token can be seen.
function scrollTo(token) {
  const box = token.closest(".text");
  const from = token.getBoundingClientRect();
  const to = box.getBoundingClientRect();
  if (from.top < to.top || from.bottom > to.bottom) box.scrollTop += (from.top + from.bottom - to.top - to.bottom) / 2;
}

let marked = null;

function paintTexts() {
  const { side, index } = focused();
  const other = side === "query" ? "key" : "query";
  const weights = profile(state.matrix, side, index);
  const seenCount = weights.filter((_, i) => allowed(side, index, i)).length;
  const top = topWeight(weights.reduce((a, b) => Math.max(a, b), 0), seenCount);
  if (!sameText) {
    for (const span of spans[side]) {
      span.style.background = span.style.color = "";
      span.classList.remove("hidden");
      delete span.dataset.weight;
    }
  }
  spans[other].forEach((span, i) => {
    const seen = allowed(side, index, i);
    const color = relativeIndex(weights[i], top);
    span.style.background = seen && color > 0 ? table().css[color] : "";
    span.style.color = seen ? inkOn(color) : "";
    span.classList.toggle("hidden", !seen);
    span.dataset.weight = (weights[i] * weightUnit).toFixed(4);
  });
  if (marked) {
    marked.classList.remove("focus");
    marked.setAttribute("aria-selected", "false");
  }
  marked = spans[side][index];
  marked.classList.add("focus");
  marked.setAttribute("aria-selected", "true");
  if (!state.preview) scrollTo(marked);
  for (const name of ["query", "key"]) {
    const reachable = name === state.pinned.side ? state.pinned.index : 0;
    if (sameText && name !== state.pinned.side) continue;
    for (const span of spans[name]) if (span.tabIndex === 0) span.tabIndex = -1;
    spans[name][reachable].tabIndex = 0;
  }
  document.getElementById("ramp").style.background = ramp();
  document.getElementById("ramp-end").textContent = percent(top);
}

function startTexts() {
  if (sameText) {
    addText(queries, ["query", "key"], "");
  } else {
    addText(queries, ["query"], "Tokens that look");
    addText(keys, ["key"], "Tokens looked at");
  }
  onFocus(paintTexts);
}
