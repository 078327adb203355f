// The strongest weights of the focused token, as a list with bars.
const longestList = 6;

function strongest(weights, side, index) {
  const order = [];
  weights.forEach((weight, i) => {
    if (weight === 0 || !allowed(side, index, i)) return;
    if (order.length === longestList && weight <= weights[order[longestList - 1]]) return;
    const place = order.findIndex((j) => weights[j] < weight);
    order.splice(place < 0 ? order.length : place, 0, i);
    if (order.length > longestList) order.pop();
  });
  return order;
}

// Tells repeated tokens apart by their distance in the text.
function placeOf(index, other) {
  if (!sameText) return "";
  if (index === other) return " (itself)";
  return ` (${Math.abs(index - other)} ${other < index ? "before" : "after"})`;
}

function paintList() {
  const { side, index } = focused();
  const weights = profile(state.matrix, side, index);
  const others = side === "query" ? keys.labels : queries.labels;
  const name = (side === "query" ? queries : keys).labels[index];
  const title = document.getElementById("list-title");
  const token = document.createElement("b");
  token.textContent = name;
  title.replaceChildren("“", token, "”", side === "query" ? " looks at" : " is looked at by");

  const order = strongest(weights, side, index);
  const top = order.length ? weights[order[0]] : 0;
  document.getElementById("list").replaceChildren(
    ...order.map((i) => {
      const button = document.createElement("button");
      button.type = "button";
      const label = document.createElement("span");
      label.className = "name";
      label.textContent = others[i];
      const distance = document.createElement("small");
      distance.textContent = placeOf(index, i);
      label.append(distance);
      const meter = document.createElement("span");
      meter.className = "meter";
      const bar = document.createElement("span");
      bar.style.width = `${(100 * weights[i]) / top}%`;
      bar.style.background = table().css[170];
      meter.append(bar);
      const share = document.createElement("span");
      share.className = "share";
      share.textContent = percent(weights[i]);
      button.append(label, meter, share);
      button.addEventListener("click", () => pin(sameText ? side : side === "query" ? "key" : "query", i));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
  const listed = order.reduce((sum, i) => sum + weights[i], 0);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const rest = Math.max(all - listed, 0);
  const more = weights.filter((weight, i) => weight > 0 && allowed(side, index, i)).length - order.length;
  document.getElementById("list-note").textContent = !order.length
    ? "Nothing."
    : side === "query" && more > 0
      ? `${more} more share ${percent(rest)}`
      : "";
  document.getElementById("summary").textContent =
    `${name} ${side === "query" ? "looks at" : "is looked at by"} ` +
    order.slice(0, 3).map((i) => `${others[i]} ${percent(weights[i])}`).join(", ");
}

function startList() {
  onFocus(paintList);
}
