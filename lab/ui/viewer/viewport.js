// What part of the picture every pane shows: one centre (picture pixels) and one scale (CSS pixels per picture pixel) for all.
// The panes follow through CSS variables on their common parent, so that moving costs no script per pane.

const MOST_DEVICE_PIXELS = 32;

function makeViewport(host, onChange) {
  const picture = { w: 1, h: 1 };
  const pane = { w: 1, h: 1 };
  let scale = 1;
  let centre = { x: 0.5, y: 0.5 };
  let fitted = true;

  const ratio = () => window.devicePixelRatio || 1;
  const fitScale = () => Math.min(pane.w / picture.w, pane.h / picture.h);
  const leastScale = () => Math.min(fitScale(), 1 / ratio());
  const mostScale = () => Math.max(MOST_DEVICE_PIXELS / ratio(), fitScale());
  const toDevicePixel = (length) => Math.round(length * ratio()) / ratio();

  // A picture larger than the pane covers it; a smaller one stands in the middle.
  function keepInside(middle, side, paneSide) {
    const half = paneSide / scale / 2;
    return half * 2 >= side ? side / 2 : clamp(middle, half, side - half);
  }

  const origin = () => ({
    x: toDevicePixel(pane.w / 2 - centre.x * scale),
    y: toDevicePixel(pane.h / 2 - centre.y * scale),
  });

  function apply() {
    if (fitted) scale = fitScale();
    centre = { x: keepInside(centre.x, picture.w, pane.w), y: keepInside(centre.y, picture.h, pane.h) };
    const at = origin();
    host.style.setProperty('--x', at.x + 'px');
    host.style.setProperty('--y', at.y + 'px');
    host.style.setProperty('--s', scale);
    host.classList.toggle('lab-pixels', scale * ratio() >= 2 - 1e-6);
    host.classList.toggle('lab-movable', scale > fitScale() * 1.001);
    onChange();
  }

  // Zoom so that the picture point under (x, y), in pane coordinates, stays where it is.
  function zoomAt(x, y, wanted) {
    const before = { x: (x - pane.w / 2) / scale + centre.x, y: (y - pane.h / 2) / scale + centre.y };
    scale = clamp(wanted, leastScale(), mostScale());
    fitted = false;
    centre = { x: before.x - (x - pane.w / 2) / scale, y: before.y - (y - pane.h / 2) / scale };
    apply();
  }

  return {
    setPicture(w, h) { picture.w = w; picture.h = h; apply(); },
    setPane(w, h) { pane.w = w; pane.h = h; apply(); },
    fit() { fitted = true; apply(); },
    centreOn(x, y) { centre = { x, y }; apply(); },
    zoomAt,
    zoomBy(factor) { zoomAt(pane.w / 2, pane.h / 2, scale * factor); },
    devicePixels(n, x, y) { scale = n / ratio(); fitted = false; centre = { x, y }; apply(); },
    moveBy(dx, dy) { centre = { x: centre.x - dx / scale, y: centre.y - dy / scale }; apply(); },
    pictureAt(x, y) { const at = origin(); return { x: (x - at.x) / scale, y: (y - at.y) / scale }; },
    atLeast: () => scale <= leastScale() * 1.001,
    get scale() { return scale; },
    get deviceScale() { return scale * ratio(); },
    get centre() { return { ...centre }; },
    get paneSize() { return { ...pane }; },
  };
}
