// Choosing layer, head and direction.
const layerSelect = document.getElementById("layer");
const headSelect = document.getElementById("head");

function startControls() {
  for (let layer = 0; layer < about.layers; ++layer) layerSelect.add(new Option(`Layer ${layer}`, layer));
  for (let head = 0; head < about.heads; ++head) headSelect.add(new Option(`Head ${head}`, head));
  headSelect.add(new Option("Mean of heads", meanHead));
  layerSelect.addEventListener("change", () => showMap(Number(layerSelect.value), state.head));
  headSelect.addEventListener("change", () => showMap(state.layer, Number(headSelect.value)));

  const steps = [
    ["layer-down", -1, 0],
    ["layer-up", 1, 0],
    ["head-down", 0, -1],
    ["head-up", 0, 1],
  ];
  for (const [id, layer, head] of steps)
    document.getElementById(id).addEventListener("click", () => showMap(state.layer + layer, state.head + head));
  onMap(() => {
    layerSelect.value = state.layer;
    headSelect.value = state.head;
    document.getElementById("layer-down").disabled = state.layer === 0;
    document.getElementById("layer-up").disabled = state.layer === about.layers - 1;
    document.getElementById("head-down").disabled = state.head === 0;
    document.getElementById("head-up").disabled = state.head === meanHead;
  });

  // With two texts the token itself says the direction.
  document.getElementById("view").hidden = !sameText;
  const out = document.getElementById("view-out");
  const into = document.getElementById("view-in");
  out.addEventListener("click", () => pin("query", state.pinned.index));
  into.addEventListener("click", () => pin("key", state.pinned.index));
  onFocus(() => {
    out.setAttribute("aria-pressed", focused().side === "query");
    into.setAttribute("aria-pressed", focused().side === "key");
  });
}
