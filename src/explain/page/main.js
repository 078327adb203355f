// Puts the parts together. data-ready on the root element says that everything has been drawn.
function facts() {
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const tokens = sameText ? count(rows, "token") : `${count(rows, "query token")} and ${count(cols, "key token")}`;
  const order = about.causal ? " A token cannot look at later ones." : "";
  return `${count(about.layers, "layer")} of ${count(about.heads, "head")}, ${tokens}. Layers and heads are counted ` +
    `from 0.${order}`;
}

async function start() {
  document.getElementById("facts").textContent = facts();
  readFragment();
  startControls();
  startTexts();
  startList();
  startMatrix();
  const pictures = startOverview();
  await showMap(state.layer, state.head);
  await pictures;
  addEventListener("hashchange", () => {
    readFragment();
    showMap(state.layer, state.head);
  });
  darkTheme.addEventListener("change", () => showMap(state.layer, state.head));
  document.documentElement.dataset.tokens = document.querySelectorAll(".token").length;
  document.documentElement.dataset.ready = "1";
}
start();
