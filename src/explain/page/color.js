// The colour map of the library, one table for each theme, as CSS colours and as pixels.
const darkTheme = matchMedia("(prefers-color-scheme: dark)");

function readTable(hex) {
  const css = [];
  const pixels = new Uint32Array(256);
  const bytes = new Uint8Array(pixels.buffer);
  for (let i = 0; i < 256; ++i) {
    const color = hex.slice(6 * i, 6 * i + 6);
    css.push(`#${color}`);
    for (let c = 0; c < 3; ++c) bytes[4 * i + c] = Number.parseInt(color.slice(2 * c, 2 * c + 2), 16);
    bytes[4 * i + 3] = 255;
  }
  return { css, pixels };
}
const tables = { light: readTable(about.colors.light), dark: readTable(about.colors.dark) };
const table = () => (darkTheme.matches ? tables.dark : tables.light);

// Colour index of each stored weight: the square root keeps weights of a few per cent apart from zero.
const colorIndex = new Uint8Array(65536);
for (let i = 0; i < 65536; ++i) colorIndex[i] = Math.round(255 * Math.sqrt(i * weightUnit));

// The weight with the strongest colour in the text: the strongest one there is, but at least six times an even share
// of the `count` tokens, so that attention spread over everything looks pale.
const topWeight = (strongest, count) => Math.max(strongest, Math.min(65535, (6 * 65535) / count));

// Nearer to a straight line than the matrix, because few weights are shown at once and the strongest should stand out.
const relativeIndex = (value, top) => Math.round(255 * (value / top) ** 0.75);

// Text on a colour turns to the colour of the other theme where that is easier to read.
const inkOn = (index) => (darkTheme.matches ? (index > 150 ? "#10131a" : "") : index > 128 ? "#ffffff" : "");
const ramp = () => `linear-gradient(to right, ${table().css.filter((_, i) => i % 15 === 0).join(", ")})`;
