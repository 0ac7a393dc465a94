// Mouse, pen and fingers: the wheel and two fingers zoom, one drags, a tap asks what lies there; the divider moves by hand.

const CLICK_PX = { mouse: 4, pen: 8, touch: 12 };

function onWheel(viewer, event) {
  if (!viewer.view) return;
  if (event.deltaY > 0 && viewer.fitted && !event.ctrlKey) return; // nothing to zoom out of: the page scrolls on
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 100 : 1;
  const speed = event.ctrlKey ? 0.01 : 0.0018; // with Ctrl it is two fingers on a touch pad
  viewer.zoom(Math.exp(clamp(-event.deltaY * lines * speed, -1, 1)), ...viewer.positionOf(event));
}

function onPointerDown(viewer, event) {
  if (!viewer.view || event.button !== 0) return;
  viewer.setByKeys(false);
  viewer.stage.setPointerCapture(event.pointerId);
  const [left, top] = viewer.positionOf(event);
  viewer.pointers.set(event.pointerId, { left, top });
  viewer.press = viewer.pointers.size === 1 ? { left, top } : null;
  viewer.stage.classList.add("moving");
}

function onPointerMove(viewer, event) {
  const before = viewer.pointers.get(event.pointerId);
  if (!before) return;
  const [left, top] = viewer.positionOf(event);
  if (viewer.press) {
    if (Math.hypot(left - viewer.press.left, top - viewer.press.top) < (CLICK_PX[event.pointerType] ?? CLICK_PX.mouse)) return;
    viewer.press = null;
  }
  const other = [...viewer.pointers].find(([id]) => id !== event.pointerId)?.[1];
  viewer.pointers.set(event.pointerId, { left, top });
  if (!other) {
    viewer.moveBy(before.left - left, before.top - top);
    return;
  }
  const apart = (point) => Math.max(10, Math.hypot(point.left - other.left, point.top - other.top));
  viewer.moveBy((before.left - left) / 2, (before.top - top) / 2);
  viewer.zoom(apart({ left, top }) / apart(before), (left + other.left) / 2, (top + other.top) / 2);
}

function onPointerUp(viewer, event) {
  if (!viewer.pointers.delete(event.pointerId)) return;
  if (!viewer.pointers.size) viewer.stage.classList.remove("moving");
  if (viewer.press && event.type === "pointerup") viewer.click(viewer.press.left, viewer.press.top);
  viewer.press = null;
}

function onDividerDown(viewer, event) {
  viewer.divider.setPointerCapture(event.pointerId);
}

function onDividerMove(viewer, event) {
  if (!viewer.divider.hasPointerCapture(event.pointerId)) return;
  viewer.setSplit(viewer.positionOf(event)[0] / viewer.frame.clientWidth);
}
