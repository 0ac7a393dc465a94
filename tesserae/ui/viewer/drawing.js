// Draws what a viewer shows; changes nothing of it but its canvas and its texts.

function paint(viewer) {
  if (!viewer.view || viewer.ended) return;
  sizeCanvas(viewer);
  viewer.context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  viewer.context.clearRect(0, 0, viewer.frame.clientWidth, viewer.frame.clientHeight);
  viewer.context.imageSmoothingQuality = "medium";
  viewer.message.layers.forEach((_, k) => paintLayer(viewer, k));
  label(viewer);
}

function sizeCanvas(viewer) {
  const { clientWidth: width, clientHeight: height } = viewer.frame;
  const [across, down] = [width, height].map((side) => Math.round(side * devicePixelRatio));
  if (viewer.canvas.width === across && viewer.canvas.height === down) return;
  Object.assign(viewer.canvas, { width: across, height: down });
  Object.assign(viewer.canvas.style, { width: `${width}px`, height: `${height}px` });
}

function paintLayer(viewer, k) {
  const { pane, cover } = viewer.place(k);
  const { context, view } = viewer;
  const left = (x) => pane.left + pane.width / 2 + (x - view.x) * view.scale;
  const top = (y) => pane.top + pane.height / 2 + (y - view.y) * view.scale;
  context.save();
  context.beginPath();
  context.rect(cover.left, cover.top, cover.width, cover.height);
  context.clip();
  for (const picture of [viewer.whole[k], viewer.sharp[k]]) {
    if (!picture) continue;
    const [x0, y0, x1, y1] = picture.box;
    context.drawImage(picture.bitmap, left(x0), top(y0), (x1 - x0) * view.scale, (y1 - y0) * view.scale);
  }
  if (viewer.pin) paintRing(context, left(viewer.pin.x), top(viewer.pin.y));
  if (viewer.byKeys) paintCross(context, left(view.x), top(view.y));
  context.restore();
}

function paintRing(context, left, top) {
  stroke(context, () => context.arc(left, top, 8, 0, 2 * Math.PI));
}

function paintCross(context, left, top) {
  stroke(context, () => {
    for (const [dx, dy] of [[10, 0], [0, 10]]) {
      context.moveTo(left - dx, top - dy);
      context.lineTo(left + dx, top + dy);
    }
  });
}

// Dark under light, so that it is seen on any stone.
function stroke(context, trace) {
  for (const [width, colour] of [[5, "#141028"], [2, "#ffffff"]]) {
    context.beginPath();
    trace();
    Object.assign(context, { lineWidth: width, strokeStyle: colour });
    context.stroke();
  }
}

function label(viewer) {
  const { mode, layers } = viewer.message;
  const { clientWidth: width } = viewer.frame;
  const edge = viewer.split * width;
  const percent = Math.round(100 * viewer.split);
  viewer.divider.hidden = mode !== "swipe";
  viewer.divider.style.left = `${edge}px`;
  viewer.divider.setAttribute("aria-valuenow", percent);
  viewer.divider.setAttribute("aria-valuetext", `${percent} % ${layers[0].name}`);
  viewer.captions.forEach((caption, k) => {
    caption.textContent = layers[k]?.name ?? "";
    if (layers[k]) placeCaption(viewer, caption, k);
  });
  viewer.zoomText.textContent = `Zoom ${Number((100 * viewer.view.scale).toPrecision(2))} %`;
  const { x, y, scale } = viewer.view;
  viewer.root.dataset.view = JSON.stringify({ x, y, scale });
}

// At the upper left of its pane; when swiping, the second stands at the lower right, clear of the buttons.
function placeCaption(viewer, caption, k) {
  const { pane } = viewer.place(k);
  const opposite = viewer.message.mode === "swipe" && k === 1;
  Object.assign(caption.style, {
    left: opposite ? "auto" : `${pane.left + 8}px`,
    right: opposite ? "8px" : "auto",
    top: opposite ? "auto" : `${pane.top + 8}px`,
    bottom: opposite ? "8px" : "auto",
  });
}
