// The browser's side of the viewer. It shows the last pictures that the server sent, moved and scaled at once, and asks for sharp ones when
// the view rests. The view is the photo point in the middle of each pane and a scale, in CSS pixels per photo pixel; panes share it.

const MOST_SCALE = 16;
const ZOOM_STEP = 1.4;
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
      target.addEventListener(kind, (event) => handle(this, event), { signal: this.listening.signal, ...options });
    on(this.frame, "wheel", onWheel, { passive: false });
    on(this.stage, "pointerdown", onPointerDown);
    on(this.stage, "pointermove", onPointerMove);
    on(this.stage, "pointerup", onPointerUp);
    on(this.stage, "pointercancel", onPointerUp);
    on(this.stage, "keydown", onKey);
    on(this.stage, "blur", () => this.setByKeys(false));
    on(this.divider, "pointerdown", onDividerDown);
    on(this.divider, "pointermove", onDividerMove);
    on(this.divider, "keydown", onDividerKey);
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
    keepPictures(this, before, bitmaps);
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
    wish(this);
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

  // --- What gestures and keys do -----------------------------------------------------------------------------------------

  click(left, top) {
    const { layer, x, y } = this.locate(left, top);
    const [width, height] = this.message.photo_size;
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    this.pin = { x, y };
    this.answerText.textContent = "";
    this.draw();
    this.report({ x, y, layer });
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
