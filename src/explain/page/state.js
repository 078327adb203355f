// What is selected. `pinned` stays until the next click or key; `preview` is the token under the pointer.
// A token is {side, index}: side "query" asks where it looks, side "key" who looks at it.
const state = {
  layer: about.start.layer,
  head: about.start.head < 0 ? meanHead : about.start.head,
  pinned: { side: "query", index: rows - 1 },
  preview: null,
  matrix: null,
};
const focused = () => state.preview || state.pinned;

const listeners = { map: [], focus: [] };
const onMap = (listener) => listeners.map.push(listener);      // another layer, head or theme
const onFocus = (listener) => listeners.focus.push(listener);  // another token, or all of the above

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const countOf = (side) => (side === "query" ? rows : cols);

function readFragment() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const number = (name, count, otherwise) => {
    const value = Number.parseInt(wanted.get(name), 10);
    return value >= 0 && value < count ? value : otherwise;
  };
  state.layer = number("layer", about.layers, state.layer);
  state.head = wanted.get("head") === "mean" ? meanHead : number("head", about.heads, state.head);
  const side = wanted.has("view") ? (wanted.get("view") === "in" ? "key" : "query") : state.pinned.side;
  state.pinned = { side, index: number("token", countOf(side), Math.min(state.pinned.index, countOf(side) - 1)) };
}

function fragment() {
  const { side, index } = state.pinned;
  const head = state.head === meanHead ? "mean" : state.head;
  return `layer=${state.layer}&head=${head}&token=${index}&view=${side === "query" ? "out" : "in"}`;
}

function writeFragment() {
  const now = fragment();
  document.documentElement.dataset.state = now;
  // A page shown inside another one may not change its address; what is selected is shown all the same.
  try {
    history.replaceState(null, "", `#${now}`);
  } catch (error) {
    if (error.name !== "SecurityError") throw error;
  }
}

function emitFocus() {
  for (const listener of listeners.focus) listener();
}

// Unpacking takes a moment, so a later choice may overtake an earlier one: the last choice wins.
let turn = 0;

async function showMap(layer, head) {
  const mine = ++turn;
  state.layer = clamp(layer, 0, about.layers - 1);
  state.head = clamp(head, 0, meanHead);
  const matrix = await matrixOf(state.layer, state.head);
  if (mine !== turn) return;
  state.matrix = matrix;
  writeFragment();
  for (const listener of listeners.map) listener();
  emitFocus();
}

function pin(side, index) {
  state.pinned = { side, index: clamp(index, 0, countOf(side) - 1) };
  state.preview = null;
  writeFragment();
  emitFocus();
}

function preview(token) {
  state.preview = token;
  emitFocus();
}
