// The matrix on a canvas that is as large as its window, not as the matrix: scrolling draws the visible part anew,
// so that a text of thousands of tokens costs no more than a short one.
const canvas = document.getElementById("matrix");
const matrixScroll = document.getElementById("matrix-scroll");
const matrixSpace = document.getElementById("matrix-space");
const largestCell = 30;
const smallestLabelled = 13;
const longestGutter = 96;
const labelFont = '12px system-ui, "Liberation Sans", sans-serif';
const layout = { cell: 1, left: 0, top: 0, zoom: 1, width: 0, height: 0 };
let cursor = null;

function gutter(context, labels) {
  let widest = 0;
  for (const label of labels) widest = Math.max(widest, context.measureText(label).width);
  return Math.min(Math.ceil(widest), longestGutter) + 8;
}

// Chooses the size of a cell: at zoom 1 the whole width fits, and labels stand beside cells that are large enough.
function arrange() {
  const context = canvas.getContext("2d");
  context.font = labelFont;
  const room = matrixScroll.clientWidth;
  layout.left = gutter(context, queries.labels);
  layout.top = gutter(context, keys.labels);
  const cellFor = (space) => Math.min((space / cols) * layout.zoom, largestCell);
  layout.cell = cellFor(room - layout.left);
  if (layout.cell < smallestLabelled) {
    layout.cell = cellFor(room);
    layout.left = layout.top = 0;
  }
  if (layout.cell > 4) layout.cell = Math.floor(layout.cell);
  const full = { width: layout.left + cols * layout.cell, height: layout.top + rows * layout.cell };
  layout.width = Math.min(full.width, room);
  layout.height = Math.min(full.height, Math.max(240, innerHeight * 0.76));
  matrixSpace.style.width = `${full.width}px`;
  matrixSpace.style.height = `${full.height + 2}px`;
  canvas.style.width = `${layout.width}px`;
  canvas.style.height = `${layout.height}px`;
  canvas.width = Math.round(layout.width * devicePixelRatio);
  canvas.height = Math.round(layout.height * devicePixelRatio);
  // A matrix with labels is large enough to read as it is.
  document.getElementById("zoom").hidden = layout.zoom === 1 && layout.left > 0;
  document.getElementById("zoom-out").disabled = layout.zoom <= 1;
  document.getElementById("zoom-in").disabled = layout.cell >= largestCell;
}

// Rows and columns of which some part is in the window.
function visible() {
  const { cell, left, top, width, height } = layout;
  const row = Math.floor(matrixScroll.scrollTop / cell);
  const col = Math.floor(matrixScroll.scrollLeft / cell);
  return {
    row,
    col,
    endRow: Math.min(rows, Math.ceil((matrixScroll.scrollTop + height - top) / cell)),
    endCol: Math.min(cols, Math.ceil((matrixScroll.scrollLeft + width - left) / cell)),
  };
}

// One pixel a weight, which drawImage then scales up to cells (or down, for a text longer than the window).
const tile = document.createElement("canvas");

function drawTile({ row, col, endRow, endCol }) {
  const width = endCol - col;
  const height = endRow - row;
  tile.width = width;
  tile.height = height;
  const context = tile.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = table().pixels;
  let drawn = 0;
  for (let q = row; q < endRow; ++q) {
    const end = Math.min(endCol, lastKey(q) + 1);
    for (let k = col; k < end; ++k, ++drawn) {
      pixels[(q - row) * width + k - col] = colors[colorIndex[state.matrix[q * cols + k]]];
    }
  }
  context.putImageData(image, 0, 0);
  document.documentElement.dataset.cells = drawn;
}

function shorten(context, label, width) {
  if (context.measureText(label).width <= width) return label;
  const parts = Array.from(label);
  while (parts.length > 1 && context.measureText(`${parts.join("")}…`).width > width) parts.pop();
  return `${parts.join("")}…`;
}

function drawLabels(context, { row, col, endRow, endCol }) {
  const { cell, left, top } = layout;
  context.font = labelFont;
  context.textBaseline = "middle";
  const style = getComputedStyle(document.documentElement);
  const { side, index } = focused();
  const ink = (mine, i) => style.getPropertyValue(mine === side && i === index ? "--accent" : "--soft");
  context.textAlign = "right";
  for (let q = row; q < endRow; ++q) {
    const y = top + (q + 0.5) * cell - matrixScroll.scrollTop;
    if (y < top) continue;
    context.fillStyle = ink("query", q);
    context.fillText(shorten(context, queries.labels[q], left - 8), left - 6, y);
  }
  context.textAlign = "left";
  for (let k = col; k < endCol; ++k) {
    const x = left + (k + 0.5) * cell - matrixScroll.scrollLeft;
    if (x < left) continue;
    context.save();
    context.translate(x, top - 6);
    context.rotate(-Math.PI / 2);
    context.fillStyle = ink("key", k);
    context.fillText(shorten(context, keys.labels[k], top - 8), 0, 0);
    context.restore();
  }
}

function drawMatrix() {
  const part = visible();
  const { cell, left, top, width, height } = layout;
  const context = canvas.getContext("2d");
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, width, height);
  drawTile(part);
  context.save();
  context.beginPath();
  context.rect(left, top, width - left, height - top);
  context.clip();
  context.imageSmoothingEnabled = cell * devicePixelRatio < 1;
  context.drawImage(tile, left + part.col * cell - matrixScroll.scrollLeft,
    top + part.row * cell - matrixScroll.scrollTop, tile.width * cell, tile.height * cell);
  // A hairline between large cells.
  if (cell >= 10) {
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--card");
    context.beginPath();
    for (let q = part.row; q <= part.endRow; ++q) {
      const y = top + q * cell - matrixScroll.scrollTop;
      context.moveTo(left, y);
      context.lineTo(width, y);
    }
    for (let k = part.col; k <= part.endCol; ++k) {
      const x = left + k * cell - matrixScroll.scrollLeft;
      context.moveTo(x, top);
      context.lineTo(x, height);
    }
    context.stroke();
  }
  context.restore();
  if (left > 0) drawLabels(context, part);
  drawMarks();
}

function place(mark, shown, x, y, width, height) {
  mark.style.display = shown ? "block" : "none";
  if (!shown) return;
  mark.style.transform = `translate(${x}px, ${y}px)`;
  mark.style.width = `${width}px`;
  mark.style.height = `${height}px`;
}

// The row or column of the focused token and the cell under the pointer.
function drawMarks() {
  const { cell, left, top } = layout;
  const { side, index } = focused();
  const along = side === "query";
  const mark = document.getElementById("mark-row");
  mark.classList.toggle("thin", cell < 3);
  place(mark, true, along ? left : left + index * cell,
    along ? top + index * cell : top, along ? (lastKey(index) + 1) * cell : cell, along ? cell : rows * cell);
  place(document.getElementById("mark-cell"), cursor && cell >= 3, cursor ? left + cursor.col * cell : 0,
    cursor ? top + cursor.row * cell : 0, cell, cell);
}

// The exact weight beside the cell, on the side where there is room.
function showTip() {
  const tip = document.getElementById("tip");
  tip.style.display = cursor ? "block" : "none";
  if (!cursor) return;
  const { row, col } = cursor;
  const from = queries.labels[row];
  const to = keys.labels[col];
  if (col > lastKey(row)) {
    tip.textContent = `${from} cannot look at ${to}, which comes later`;
  } else {
    const value = document.createElement("b");
    value.textContent = (state.matrix[row * cols + col] * weightUnit).toFixed(4);
    tip.replaceChildren(`${from} → ${to}`, value);
  }
  const { cell, left, top, width, height } = layout;
  const x = left + col * cell - matrixScroll.scrollLeft;
  const y = top + row * cell - matrixScroll.scrollTop;
  const gap = 10;
  const right = x + cell + gap + tip.offsetWidth <= width;
  const tipX = right ? x + cell + gap : Math.max(x - gap - tip.offsetWidth, 0);
  const tipY = clamp(y + cell / 2 - tip.offsetHeight / 2, 0, Math.max(height - tip.offsetHeight, 0));
  tip.style.transform = `translate(${tipX}px, ${tipY}px)`;
}

function moveCursor(next) {
  cursor = next;
  drawMarks();
  showTip();
}

function cellAt(event) {
  const box = canvas.getBoundingClientRect();
  const x = event.clientX - box.left - layout.left;
  const y = event.clientY - box.top - layout.top;
  if (x < 0 || y < 0) return null;
  const col = Math.floor((x + matrixScroll.scrollLeft) / layout.cell);
  const row = Math.floor((y + matrixScroll.scrollTop) / layout.cell);
  return row < rows && col < cols ? { row, col } : null;
}

function matrixKey(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (event.key === "Enter" && cursor) pin("query", cursor.row);
  if (!step) return;
  event.preventDefault();
  const from = cursor || { row: focused().side === "query" ? focused().index : 0, col: 0 };
  const next = { row: clamp(from.row + step[0], 0, rows - 1), col: clamp(from.col + step[1], 0, cols - 1) };
  const { cell, left, top, width, height } = layout;
  const into = (scroll, start, room) => clamp(scroll, start + cell - room, start);
  matrixScroll.scrollLeft = into(matrixScroll.scrollLeft, next.col * cell, width - left);
  matrixScroll.scrollTop = into(matrixScroll.scrollTop, next.row * cell, height - top);
  moveCursor(next);
}

function zoom(factor) {
  const middle = (matrixScroll.scrollTop + layout.height / 2) / layout.cell;
  const center = (matrixScroll.scrollLeft + layout.width / 2) / layout.cell;
  layout.zoom = Math.max(1, layout.zoom * factor);
  arrange();
  matrixScroll.scrollTop = middle * layout.cell - layout.height / 2;
  matrixScroll.scrollLeft = center * layout.cell - layout.width / 2;
  drawMatrix();
}

function startMatrix() {
  arrange();
  onMap(() => {
    drawMatrix();
    showTip();
  });
  onFocus(() => (layout.left > 0 ? drawMatrix() : drawMarks()));
  matrixScroll.addEventListener("scroll", () => requestAnimationFrame(drawMatrix));
  canvas.addEventListener("pointermove", (event) => moveCursor(cellAt(event)));
  canvas.addEventListener("pointerleave", () => moveCursor(null));
  canvas.addEventListener("click", (event) => {
    const at = cellAt(event);
    moveCursor(at);
    if (at) pin("query", at.row);
  });
  canvas.addEventListener("keydown", matrixKey);
  document.getElementById("zoom-in").addEventListener("click", () => zoom(2));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(0.5));
  new ResizeObserver(() => {
    if (!state.matrix) return;
    arrange();
    drawMatrix();
  }).observe(matrixScroll);
}
