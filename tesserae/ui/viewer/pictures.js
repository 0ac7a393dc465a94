// The pictures that the viewer holds, and what it asks of the server when they do not show the view sharply.

const REST_MS = 120; // the view must rest so long before a picture is asked for,
const PATIENCE_MS = 400; // but while it moves without a rest one is asked for this often
const ANSWER_MS = 5000; // after which an answer counts as lost
const MARGIN = 0.125; // of the view, asked for on each side, so that a small move needs no new picture
const LARGEST_PX = 2048;

function keepPictures(viewer, before, bitmaps) {
  const { layers, box, photo_size: [width, height] } = viewer.message;
  const spent = [...viewer.sharp, ...viewer.whole];
  const isWhole = box[0] <= 0 && box[1] <= 0 && box[2] >= width && box[3] >= height;
  const unchanged = (k) => before?.layers[k]?.revision === layers[k].revision && `${before.photo_size}` === `${width},${height}`;
  viewer.sharp = bitmaps.map((bitmap) => ({ bitmap, box }));
  viewer.whole = viewer.sharp.map((picture, k) => (isWhole ? picture : unchanged(k) ? viewer.whole[k] : undefined));
  for (const picture of spent) if (picture && !viewer.whole.includes(picture)) picture.bitmap.close();
}

function wish(viewer) {
  clearTimeout(viewer.timer);
  delete viewer.root.dataset.sharp;
  const now = performance.now();
  viewer.wishedSince ??= now;
  viewer.timer = setTimeout(() => fulfil(viewer), clamp(viewer.wishedSince + PATIENCE_MS - now, 0, REST_MS));
}

function fulfil(viewer) {
  const wanted = wantedPicture(viewer);
  if (!wanted) {
    viewer.wishedSince = null;
    viewer.root.dataset.sharp = "";
    return;
  }
  if (viewer.asked && performance.now() - viewer.asked < ANSWER_MS) {
    viewer.timer = setTimeout(() => fulfil(viewer), REST_MS); // one picture at a time; then what is wanted by then
    return;
  }
  viewer.wishedSince = null;
  viewer.asked = performance.now();
  viewer.ask({ ...viewer.view, ...wanted, looked: viewer.looked });
}

// The part of the photo to ask for and its size in pixels of the screen; null when the pictures at hand will do.
function wantedPicture(viewer) {
  const visible = visibleBox(viewer, 0);
  const perPixel = Math.min(viewer.view.scale * devicePixelRatio, LARGEST_PX / Math.max(visible[2] - visible[0], visible[3] - visible[1]));
  const have = viewer.sharp[0];
  if (have && visible.every((edge, k) => (k < 2 ? have.box[k] <= edge + 0.5 : have.box[k] >= edge - 0.5))) {
    const sharpness = have.bitmap.width / (have.box[2] - have.box[0]) / perPixel;
    if (sharpness > 0.98 && sharpness < 1.03) return null;
  }
  const box = visibleBox(viewer, MARGIN);
  const sides = [box[2] - box[0], box[3] - box[1]];
  const factor = Math.min(perPixel, LARGEST_PX / Math.max(...sides));
  const size = sides.map((side) => Math.max(1, Math.round(side * factor)));
  const answered = have && have.bitmap.width === size[0] && box.every((edge, k) => Math.abs(edge - have.box[k]) < 0.01);
  return answered ? null : { box, size };
}

function visibleBox(viewer, margin) {
  const [width, height] = viewer.message.photo_size;
  const pane = viewer.panes()[0];
  const reach = [pane.width, pane.height].map((side) => ((0.5 + margin) * side) / viewer.view.scale);
  const { x, y } = viewer.view;
  const edges = [x - reach[0], y - reach[1], x + reach[0], y + reach[1]];
  return edges.map((edge, k) => clamp(edge, 0, k % 2 ? height : width));
}
