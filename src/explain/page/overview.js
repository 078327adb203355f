// Small pictures of every head, layers down and heads across, the mean over heads last.
const overview = document.getElementById("overview");
const pictures = [];

function axis(text, side) {
  const label = document.createElement("span");
  label.className = side ? "axis side" : "axis";
  label.textContent = text;
  return label;
}

function addPicture(layer, head) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", `Layer ${layer}, ${head === meanHead ? "mean of the heads" : `head ${head}`}`);
  const picture = document.createElement("canvas");
  picture.width = Math.min(about.thumbnailSide, cols);
  picture.height = Math.min(about.thumbnailSide, rows);
  button.append(picture);
  button.addEventListener("click", () => showMap(layer, head));
  overview.append(button);
  pictures.push({ layer, head, button, context: picture.getContext("2d") });
}

function paintPictures(indices) {
  const colors = table().pixels;
  const size = Math.min(about.thumbnailSide, cols) * Math.min(about.thumbnailSide, rows);
  pictures.forEach(({ context }, p) => {
    const image = context.createImageData(context.canvas.width, context.canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < size; ++i) pixels[i] = colors[indices[p * size + i]];
    context.putImageData(image, 0, 0);
  });
}

async function startOverview() {
  overview.style.gridTemplateColumns = `auto repeat(${meanHead + 1}, minmax(20px, 104px))`;
  overview.append(axis("head", true));
  for (let head = 0; head <= meanHead; ++head) overview.append(axis(head === meanHead ? "mean" : head, false));
  for (let layer = 0; layer < about.layers; ++layer) {
    overview.append(axis(`layer ${layer}`, true));
    for (let head = 0; head <= meanHead; ++head) addPicture(layer, head);
  }
  onMap(() => {
    for (const { layer, head, button } of pictures)
      button.setAttribute("aria-pressed", layer === state.layer && head === state.head);
  });
  const indices = await unpack("thumbnails");
  paintPictures(indices);
  darkTheme.addEventListener("change", () => paintPictures(indices));
  document.documentElement.dataset.pictures = pictures.length;
}
