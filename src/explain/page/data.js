// What the page holds: token texts, and for each layer one packed matrix a head followed by the mean over heads.
const about = JSON.parse(document.getElementById("about").textContent);
const queries = about.queries;
const keys = about.keys || about.queries;
const sameText = !about.keys;
const rows = queries.labels.length;
const cols = keys.labels.length;
const meanHead = about.heads;

// The last key that a query may look at.
const lastKey = (query) => (about.causal ? query + cols - rows : cols - 1);

// Base64 of a zlib stream to bytes.
async function unpack(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// A stored number v stands for the weight v / 65535: four decimals are exact, to 8 millionths.
const weightUnit = 1 / 65535;

// All high bytes come before all low bytes, because that packs better.
async function loadMatrix(layer, head) {
  const bytes = await unpack(`map-${layer * (about.heads + 1) + head}`);
  const size = rows * cols;
  const matrix = new Uint16Array(size);
  for (let i = 0; i < size; ++i) matrix[i] = (bytes[i] << 8) | bytes[size + i];
  return matrix;
}

// Unpacked matrices, the most recently used last. A few are enough to make stepping back and forth instant.
const unpacked = new Map();
const mostUnpacked = 12;

function matrixOf(layer, head) {
  const name = `${layer}/${head}`;
  const matrix = unpacked.get(name) || loadMatrix(layer, head);
  unpacked.delete(name);
  unpacked.set(name, matrix);
  if (unpacked.size > mostUnpacked) unpacked.delete(unpacked.keys().next().value);
  return matrix;
}

// The weights between one token and every token of the other side: side "query" gives where it looks (its row),
// side "key" who looks at it (its column).
function profile(matrix, side, index) {
  if (side === "query") return matrix.subarray(index * cols, (index + 1) * cols);
  const column = new Uint16Array(rows);
  for (let q = 0; q < rows; ++q) column[q] = matrix[q * cols + index];
  return column;
}

// Whether the token `other` can take part in attention with the focused one at all.
const allowed = (side, index, other) => (side === "query" ? other <= lastKey(index) : index <= lastKey(other));

const percent = (value) => {
  const share = 100 * value * weightUnit;
  if (value > 0 && share < 0.01) return "< 0.01 %";
  return `${share.toFixed(share < 9.995 ? 2 : 1)} %`;
};
