// The keyboard: everything that mouse and fingers can do.

const MOVE_STEP = 0.15; // of a pane, per arrow key
const SPLIT_STEP = 0.02;

function onKey(viewer, event) {
  if (!viewer.view || event.ctrlKey || event.metaKey || event.altKey) return;
  const pane = viewer.panes()[0];
  const [across, down] = [pane.width * MOVE_STEP, pane.height * MOVE_STEP];
  const actions = {
    "+": () => viewer.zoomMiddle(ZOOM_STEP),
    "=": () => viewer.zoomMiddle(ZOOM_STEP),
    "-": () => viewer.zoomMiddle(1 / ZOOM_STEP),
    "_": () => viewer.zoomMiddle(1 / ZOOM_STEP),
    ArrowLeft: () => viewer.moveBy(-across, 0),
    ArrowRight: () => viewer.moveBy(across, 0),
    ArrowUp: () => viewer.moveBy(0, -down),
    ArrowDown: () => viewer.moveBy(0, down),
    Home: () => viewer.fit(),
    "0": () => viewer.fit(),
    Enter: () => viewer.click(pane.left + pane.width / 2, pane.top + pane.height / 2),
    Escape: () => viewer.unpin(),
  };
  if (!Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  event.stopPropagation(); // Streamlit has keys of its own
  viewer.setByKeys(true);
  actions[event.key]();
}

function onDividerKey(viewer, event) {
  const step = event.shiftKey ? 5 * SPLIT_STEP : SPLIT_STEP;
  const split = {
    ArrowLeft: viewer.split - step,
    ArrowDown: viewer.split - step,
    ArrowRight: viewer.split + step,
    ArrowUp: viewer.split + step,
    Home: 0,
    End: 1,
  }[event.key];
  if (split === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  viewer.setSplit(split);
}
