// The browser's side of the viewer. It shows the last pictures that the server sent, moved and scaled at once, and asks for sharp ones when
// the view rests. The view is the photo point in the middle of each pane and a scale, in CSS pixels per photo pixel; panes share it.

const REST_MS = 120; // the view must rest so long before a picture is asked for,
const PATIENCE_MS = 400; // but while it moves without a rest one is asked for this often
const ANSWER_MS = 5000; // after which an answer counts as lost
const MARGIN = 0.125; // of the view, asked for on each side, so that a small move needs no new picture
const LARGEST_PX = 2048;
const MOST_SCALE = 16;
const ZOOM_STEP = 1.4;
const MOVE_STEP = 0.15; // of a pane, per arrow key
const SPLIT_STEP = 0.02;
const CLICK_PX = { mouse: 4, pen: 8, touch: 12 };
const NARROW_PX = 560; // panes stand above each other below this width
const GAP_PX = 4;

const viewers = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".viewer");
  let viewer = viewers.get(parentElement);
  if (!viewer || viewer.root !== root) {
    viewer?.end();
    viewer = new Viewer(root);
    viewers.set(parentElement, viewer);
  }
  viewer.ask = (view) => setStateValue("view", view);
  viewer.report = (click) => setTriggerValue("click", click);
  viewer.receive(unpack(data));
  return () => viewer.end();
}

// A message is the length of its header (4 bytes, little endian), the header (JSON), and the JPEG files that it lists.
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const message = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let start = 4 + length;
  for (const layer of message.layers) {
    layer.file = new Blob([bytes.slice(start, start + layer.bytes)], { type: "image/jpeg" });
    start += layer.bytes;
  }
  return message;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class Viewer {
  constructor(root) {
    const find = (name) => root.querySelector(name);
    this.root = root;
    [this.frame, this.stage, this.canvas, this.divider] = [".frame", ".stage", ".picture", ".divider"].map(find);
    [this.zoomText, this.answerText] = [".zoom", ".answer"].map(find);
    this.captions = root.querySelectorAll(".caption");
    this.context = this.canvas.getContext("2d");
    this.message = null;
    this.view = null;
    this.sharp = []; // per layer: {bitmap, box}
    this.whole = []; // per layer: the same of the whole photo, shown where the sharp picture does not reach
    this.pointers = new Map();
    this.looked = 0;
    this.split = 0.5;
    this.pin = null;
    this.byKeys = false;
    this.received = 0;
    this.listen();
  }

  listen() {
    this.listening = new AbortController();
    const on = (target, kind, handle, options = {}) =>
      target.addEventListener(kind, handle.bind(this), { signal: this.listening.signal, ...options });
    on(this.frame, "wheel", this.onWheel, { passive: false });
    on(this.stage, "pointerdown", this.onPointerDown);
    on(this.stage, "pointermove", this.onPointerMove);
    on(this.stage, "pointerup", this.onPointerUp);
    on(this.stage, "pointercancel", this.onPointerUp);
    on(this.stage, "keydown", this.onKey);
    on(this.stage, "blur", () => this.setByKeys(false));
    on(this.divider, "pointerdown", this.onDividerDown);
    on(this.divider, "pointermove", this.onDividerMove);
    on(this.divider, "keydown", this.onDividerKey);
    for (const button of this.root.querySelectorAll(".tools button")) on(button, "click", () => this.act(button.dataset.do));
    this.resizing = new ResizeObserver(() => this.onResize());
    this.resizing.observe(this.frame);
  }

  end() {
    this.ended = true;
    this.listening.abort();
    this.resizing.disconnect();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.drawing);
    for (const picture of [...this.sharp, ...this.whole]) picture?.bitmap.close();
    this.sharp = this.whole = [];
  }

  // --- What the server sends ---------------------------------------------------------------------------------------------

  async receive(message) {
    const turn = ++this.received;
    const bitmaps = await Promise.all(message.layers.map((layer) => createImageBitmap(layer.file)));
    if (turn !== this.received || this.ended) {
      bitmaps.forEach((bitmap) => bitmap.close());
      return;
    }
    const before = this.message;
    this.message = message;
    this.asked = null;
    this.keep(before, bitmaps);
    if (message.answer) this.answerText.textContent = message.answer.text;
    this.frame.style.height = `${message.height_px}px`;
    this.canvas.setAttribute("aria-label", message.alt);
    const names = message.layers.map((layer) => layer.name).join(" and ");
    this.stage.setAttribute("aria-label", names);
    this.divider.setAttribute("aria-label", `Divider between ${names}`);
    this.onResize();
    if (message.look_at && message.look_at.turn !== this.looked) {
      this.looked = message.look_at.turn;
      this.lookAt(message.look_at.box);
    }
  }

  keep(before, bitmaps) {
    const { layers, box, photo_size: [width, height] } = this.message;
    const spent = [...this.sharp, ...this.whole];
    const isWhole = box[0] <= 0 && box[1] <= 0 && box[2] >= width && box[3] >= height;
    const unchanged = (k) => before?.layers[k]?.revision === layers[k].revision && `${before.photo_size}` === `${width},${height}`;
    this.sharp = bitmaps.map((bitmap) => ({ bitmap, box }));
    this.whole = this.sharp.map((picture, k) => (isWhole ? picture : unchanged(k) ? this.whole[k] : undefined));
    for (const picture of spent) if (picture && !this.whole.includes(picture)) picture.bitmap.close();
  }

  // --- What is asked of the server ---------------------------------------------------------------------------------------

  wish() {
    clearTimeout(this.timer);
    delete this.root.dataset.sharp;
    const now = performance.now();
    this.wishedSince ??= now;
    this.timer = setTimeout(() => this.fulfil(), clamp(this.wishedSince + PATIENCE_MS - now, 0, REST_MS));
  }

  fulfil() {
    const wanted = this.wanted();
    if (!wanted) {
      this.wishedSince = null;
      this.root.dataset.sharp = "";
      return;
    }
    if (this.asked && performance.now() - this.asked < ANSWER_MS) {
      this.timer = setTimeout(() => this.fulfil(), REST_MS); // one picture at a time; then what is wanted by then
      return;
    }
    this.wishedSince = null;
    this.asked = performance.now();
    this.ask({ ...this.view, ...wanted, looked: this.looked });
  }

  // The part of the photo to ask for and its size in pixels of the screen; null when the pictures at hand will do.
  wanted() {
    const visible = this.visibleBox(0);
    const perPixel = Math.min(this.view.scale * devicePixelRatio, LARGEST_PX / Math.max(visible[2] - visible[0], visible[3] - visible[1]));
    const have = this.sharp[0];
    if (have && visible.every((edge, k) => (k < 2 ? have.box[k] <= edge + 0.5 : have.box[k] >= edge - 0.5))) {
      const sharpness = have.bitmap.width / (have.box[2] - have.box[0]) / perPixel;
      if (sharpness > 0.98 && sharpness < 1.03) return null;
    }
    const box = this.visibleBox(MARGIN);
    const sides = [box[2] - box[0], box[3] - box[1]];
    const factor = Math.min(perPixel, LARGEST_PX / Math.max(...sides));
    const size = sides.map((side) => Math.max(1, Math.round(side * factor)));
    const answered = have && have.bitmap.width === size[0] && box.every((edge, k) => Math.abs(edge - have.box[k]) < 0.01);
    return answered ? null : { box, size };
  }

  visibleBox(margin) {
    const [width, height] = this.message.photo_size;
    const pane = this.panes()[0];
    const reach = [pane.width, pane.height].map((side) => ((0.5 + margin) * side) / this.view.scale);
    const { x, y } = this.view;
    const edges = [x - reach[0], y - reach[1], x + reach[0], y + reach[1]];
    return edges.map((edge, k) => clamp(edge, 0, k % 2 ? height : width));
  }

  // --- Where things are --------------------------------------------------------------------------------------------------

  panes() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    if (this.message.mode !== "side") return [{ left: 0, top: 0, width, height }];
    if (width < NARROW_PX) {
      const part = (height - GAP_PX) / 2;
      return [0, part + GAP_PX].map((top) => ({ left: 0, top, width, height: part }));
    }
    const part = (width - GAP_PX) / 2;
    return [0, part + GAP_PX].map((left) => ({ left, top: 0, width: part, height }));
  }

  // The pane that a layer is drawn in and the part of it that it may cover.
  place(k) {
    const panes = this.panes();
    if (this.message.mode !== "swipe") return { pane: panes[k], cover: panes[k] };
    const edge = this.split * panes[0].width;
    const cover = k ? { left: edge, width: panes[0].width - edge } : { left: 0, width: edge };
    return { pane: panes[0], cover: { ...panes[0], ...cover } };
  }

  // Layer and photo point under a position in the frame.
  locate(left, top) {
    const inside = ({ cover }) =>
      left >= cover.left && left < cover.left + cover.width && top >= cover.top && top < cover.top + cover.height;
    const places = this.message.layers.map((_, k) => this.place(k));
    const layer = Math.max(0, places.findIndex(inside));
    const { pane } = places[layer];
    return {
      layer,
      x: this.view.x + (left - pane.left - pane.width / 2) / this.view.scale,
      y: this.view.y + (top - pane.top - pane.height / 2) / this.view.scale,
    };
  }

  positionOf(event) {
    const corner = this.frame.getBoundingClientRect();
    return [event.clientX - corner.left - this.frame.clientLeft, event.clientY - corner.top - this.frame.clientTop];
  }

  // --- Moving the view ---------------------------------------------------------------------------------------------------

  fitScale() {
    const [width, height] = this.message.photo_size;
    const pane = this.panes()[0];
    return Math.min(pane.width / width, pane.height / height);
  }

  setView(view) {
    const [width, height] = this.message.photo_size;
    const pane = this.panes()[0];
    const fit = this.fitScale();
    const scale = clamp(view.scale, fit, Math.max(MOST_SCALE, fit));
    const within = (centre, side, room) => {
      const half = room / 2 / scale;
      return 2 * half >= side ? side / 2 : clamp(centre, half, side - half);
    };
    this.view = { x: within(view.x, width, pane.width), y: within(view.y, height, pane.height), scale };
    this.fitted = scale <= fit * 1.001;
    this.draw();
    this.wish();
  }

  // Zoom by `factor`, holding the photo point at a position in the frame.
  zoom(factor, left, top) {
    const held = this.locate(left, top);
    const scale = clamp(this.view.scale * factor, this.fitScale(), Math.max(MOST_SCALE, this.fitScale()));
    const keep = this.view.scale / scale;
    this.setView({ x: held.x + (this.view.x - held.x) * keep, y: held.y + (this.view.y - held.y) * keep, scale });
  }

  zoomMiddle(factor) {
    const pane = this.panes()[0];
    this.zoom(factor, pane.left + pane.width / 2, pane.top + pane.height / 2);
  }

  moveBy(dx, dy) {
    this.setView({ ...this.view, x: this.view.x + dx / this.view.scale, y: this.view.y + dy / this.view.scale });
  }

  lookAt([x0, y0, x1, y1]) {
    const pane = this.panes()[0];
    const scale = Math.min(pane.width / (x1 - x0), pane.height / (y1 - y0));
    this.setView({ x: (x0 + x1) / 2, y: (y0 + y1) / 2, scale });
  }

  fit() {
    this.setView({ x: 0, y: 0, scale: 0 });
  }

  act(what) {
    if (!this.message) return;
    if (what === "fit") this.fit();
    else this.zoomMiddle(what === "in" ? ZOOM_STEP : 1 / ZOOM_STEP);
  }

  onResize() {
    if (!this.message || !this.frame.clientWidth) return;
    if (!this.view && this.message.view) this.setView(this.message.view);
    else if (!this.view || this.fitted) this.fit();
    else this.setView(this.view);
  }

  // --- Pointer, wheel, keys ----------------------------------------------------------------------------------------------

  onWheel(event) {
    if (!this.view) return;
    if (event.deltaY > 0 && this.fitted && !event.ctrlKey) return; // nothing to zoom out of: the page scrolls on
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 100 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0018; // with Ctrl it is two fingers on a touch pad
    this.zoom(Math.exp(clamp(-event.deltaY * lines * speed, -1, 1)), ...this.positionOf(event));
  }

  onPointerDown(event) {
    if (!this.view || event.button !== 0) return;
    this.setByKeys(false);
    this.stage.setPointerCapture(event.pointerId);
    const [left, top] = this.positionOf(event);
    this.pointers.set(event.pointerId, { left, top });
    this.press = this.pointers.size === 1 ? { left, top } : null;
    this.stage.classList.add("moving");
  }

  onPointerMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const [left, top] = this.positionOf(event);
    if (this.press) {
      if (Math.hypot(left - this.press.left, top - this.press.top) < (CLICK_PX[event.pointerType] ?? CLICK_PX.mouse)) return;
      this.press = null;
    }
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, { left, top });
    if (!other) {
      this.moveBy(before.left - left, before.top - top);
      return;
    }
    const apart = (point) => Math.max(10, Math.hypot(point.left - other.left, point.top - other.top));
    this.moveBy((before.left - left) / 2, (before.top - top) / 2);
    this.zoom(apart({ left, top }) / apart(before), (left + other.left) / 2, (top + other.top) / 2);
  }

  onPointerUp(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (!this.pointers.size) this.stage.classList.remove("moving");
    if (this.press && event.type === "pointerup") this.click(this.press.left, this.press.top);
    this.press = null;
  }

  click(left, top) {
    const { layer, x, y } = this.locate(left, top);
    const [width, height] = this.message.photo_size;
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    this.pin = { x, y };
    this.answerText.textContent = "";
    this.draw();
    this.report({ x, y, layer });
  }

  onKey(event) {
    if (!this.view || event.ctrlKey || event.metaKey || event.altKey) return;
    const pane = this.panes()[0];
    const [across, down] = [pane.width * MOVE_STEP, pane.height * MOVE_STEP];
    const actions = {
      "+": () => this.zoomMiddle(ZOOM_STEP),
      "=": () => this.zoomMiddle(ZOOM_STEP),
      "-": () => this.zoomMiddle(1 / ZOOM_STEP),
      "_": () => this.zoomMiddle(1 / ZOOM_STEP),
      ArrowLeft: () => this.moveBy(-across, 0),
      ArrowRight: () => this.moveBy(across, 0),
      ArrowUp: () => this.moveBy(0, -down),
      ArrowDown: () => this.moveBy(0, down),
      Home: () => this.fit(),
      "0": () => this.fit(),
      Enter: () => this.click(pane.left + pane.width / 2, pane.top + pane.height / 2),
      Escape: () => this.unpin(),
    };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit has keys of its own
    this.setByKeys(true);
    actions[event.key]();
  }

  unpin() {
    this.pin = null;
    this.answerText.textContent = "";
    this.draw();
  }

  setByKeys(byKeys) {
    if (this.byKeys === byKeys) return;
    this.byKeys = byKeys;
    this.draw();
  }

  // --- The divider -------------------------------------------------------------------------------------------------------

  onDividerDown(event) {
    this.divider.setPointerCapture(event.pointerId);
  }

  onDividerMove(event) {
    if (!this.divider.hasPointerCapture(event.pointerId)) return;
    this.setSplit(this.positionOf(event)[0] / this.frame.clientWidth);
  }

  onDividerKey(event) {
    const step = event.shiftKey ? 5 * SPLIT_STEP : SPLIT_STEP;
    const split = {
      ArrowLeft: this.split - step,
      ArrowDown: this.split - step,
      ArrowRight: this.split + step,
      ArrowUp: this.split + step,
      Home: 0,
      End: 1,
    }[event.key];
    if (split === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.setSplit(split);
  }

  setSplit(split) {
    this.split = clamp(split, 0, 1);
    this.draw();
  }

  // --- Drawing -----------------------------------------------------------------------------------------------------------

  draw() {
    cancelAnimationFrame(this.drawing);
    this.drawing = requestAnimationFrame(() => paint(this));
  }
}
