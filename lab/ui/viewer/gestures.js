// Mouse, wheel, touch and keys on the panes.

const CLICK_SLACK = 4;
const KEY_STEP = 0.15;

function watchGestures(host, viewport, actions) {
  const pointers = new Map();
  let start = null;  // where a press began, and whether it has turned into a drag or a pinch

  function inFrame(event, frame) {
    const box = frame.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  // The page must still scroll: the wheel zooms once the panes have been clicked (they have the focus), or with Ctrl or Cmd.
  host.addEventListener('wheel', (event) => {
    const frame = event.target.closest('.lab-frame');
    if (!frame) return;
    const wanted = event.ctrlKey || event.metaKey || host.contains(document.activeElement);
    if (!wanted) { actions.hint(); return; }
    if (event.deltaY > 0 && viewport.atLeast() && !event.ctrlKey) return;
    event.preventDefault();
    const at = inFrame(event, frame);
    const lines = event.deltaMode === 1 ? 16 : 1;
    viewport.zoomAt(at.x, at.y, viewport.scale * Math.exp(-clamp(event.deltaY * lines, -240, 240) * 0.002));
  }, { passive: false });

  function spread() {
    const [a, b] = [...pointers.values()];
    return { distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
             clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
  }

  host.addEventListener('pointerdown', (event) => {
    const frame = event.target.closest('.lab-frame');
    if (!frame || event.button > 0) return;
    pointers.set(event.pointerId, event);
    if (pointers.size === 1) start = { x: event.clientX, y: event.clientY, last: event, frame, moved: false };
    if (pointers.size === 2) { start.moved = true; start.pinch = spread(); }
  });

  host.addEventListener('pointermove', (event) => {
    if (!start || !pointers.has(event.pointerId)) return;
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) {
      const now = spread();
      const at = inFrame(now, start.frame);
      viewport.moveBy(now.clientX - start.pinch.clientX, now.clientY - start.pinch.clientY);
      viewport.zoomAt(at.x, at.y, viewport.scale * now.distance / Math.max(start.pinch.distance, 1));
      start.pinch = now;
      return;
    }
    if (!start.moved && Math.hypot(event.clientX - start.x, event.clientY - start.y) > CLICK_SLACK) {
      start.moved = true;
      host.setPointerCapture(event.pointerId);
      host.classList.add('lab-moving');
    }
    if (start.moved) {
      viewport.moveBy(event.clientX - start.last.clientX, event.clientY - start.last.clientY);
      start.last = event;
    }
  });

  function release(event) {
    if (!pointers.delete(event.pointerId) || !start) return;
    if (pointers.size === 1) { [start.last] = pointers.values(); return; }
    const finished = start;
    start = null;
    host.classList.remove('lab-moving');
    if (!finished.moved && event.type === 'pointerup') {
      const at = inFrame(event, finished.frame);
      const spot = viewport.pictureAt(at.x, at.y);
      actions.crop(spot.x, spot.y);
      host.focus({ preventScroll: true });
    }
  }
  host.addEventListener('pointerup', release);
  host.addEventListener('pointercancel', release);

  const arrows = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  host.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = arrows[event.key];
    if (arrow && event.shiftKey) actions.moveCrop(-arrow[0], -arrow[1]);
    else if (arrow && host.classList.contains('lab-movable')) {
      viewport.moveBy(arrow[0] * viewport.paneSize.w * KEY_STEP, arrow[1] * viewport.paneSize.h * KEY_STEP);
    }
    else if (event.key === '+' || event.key === '=') viewport.zoomBy(1.25);
    else if (event.key === '-') viewport.zoomBy(0.8);
    else if (event.key === '0') viewport.fit();
    else if ('124'.includes(event.key)) actions.zoom(Number(event.key));
    else if (event.key === 'r' || event.key === 'R') actions.peek(true);
    else if (event.key === 'Escape') host.blur();
    else return;
    event.preventDefault();
  });
  host.addEventListener('keyup', (event) => { if (event.key === 'r' || event.key === 'R') actions.peek(false); });
  host.addEventListener('blur', () => actions.peek(false));
}
