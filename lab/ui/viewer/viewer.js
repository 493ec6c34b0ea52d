// Puts the parts together. `element`, `props`, `watch` and `trigger` come from Gradio; the value is described in lab/ui/view.py.

const root = element.querySelector('.lab-viewer');
const panesHost = root.querySelector('.lab-panes');
const viewButtons = [...root.querySelectorAll('[data-view]')];
const progressText = root.querySelector('.lab-progress [role=status]');
const clock = root.querySelector('.lab-clock');
const peekButton = root.querySelector('.lab-peek');

let view = 'picture';
let convention = (props.value && props.value.convention) || 'sr';
let shown = null;
let subject = null;
let remembered = '';
let runningMethod = '';
let runningSince = 0;

const viewport = makeViewport(panesHost, () => {
  const n = viewport.deviceScale;
  setText(root.querySelector('.lab-scale-now'), (n >= 10 ? n.toFixed(0) : n.toFixed(2).replace(/\.?0+$/, '')) + ':1');
});
const crops = makeCrops(root.querySelector('[data-part=crops]'), panesHost);
const panes = makePanes(panesHost, (wide, high, columns) => { viewport.setPane(wide, high); crops.fitInto(wide, columns); });
const figures = makeFigures(root.querySelector('[data-part=figures]'), (key) => { convention = key; draw(); });

function zoom(n) {
  viewport.devicePixels(n, crops.spot.x, crops.spot.y);
}

function peek(on) {
  panesHost.classList.toggle('lab-peeking', on && !peekButton.disabled);
}

let hintTimer = 0;
function hint() {
  root.classList.add('lab-hinting');
  clearTimeout(hintTimer);
  hintTimer = setTimeout(() => root.classList.remove('lab-hinting'), 2500);
}

watchGestures(panesHost, viewport, {
  hint, zoom, peek,
  crop: (x, y) => crops.centreOn(x, y),
  moveCrop: (dx, dy) => crops.moveBy(dx, dy),
});

for (const button of viewButtons) {
  button.addEventListener('click', () => { view = button.dataset.view; draw(); });
}
for (const button of root.querySelectorAll('[data-zoom]')) {
  button.addEventListener('click', () => {
    const what = button.dataset.zoom;
    if (what === 'fit') viewport.fit();
    else if (what === 'in') viewport.zoomBy(1.5);
    else if (what === 'out') viewport.zoomBy(1 / 1.5);
    else zoom(Number(what));
  });
}
peekButton.addEventListener('pointerdown', () => peek(true));
for (const end of ['pointerup', 'pointerleave', 'pointercancel', 'blur']) peekButton.addEventListener(end, () => peek(false));
peekButton.addEventListener('keydown', (event) => { if (event.key === ' ' || event.key === 'Enter') peek(true); });
peekButton.addEventListener('keyup', () => peek(false));
peekButton.addEventListener('contextmenu', (event) => event.preventDefault());

function showStatus(status) {
  setText(progressText, status.text);
  root.dataset.busy = String(status.busy);
  if (status.running !== runningMethod) { runningMethod = status.running; runningSince = performance.now(); }
}

// The seconds tick outside the live region, or a screen reader would read every one of them.
setInterval(() => {
  setText(clock, runningMethod ? ', ' + ((performance.now() - runningSince) / 1000).toFixed(1) + ' s' : '');
}, 100);

function remember(address) {
  if (!address || address === remembered) return;
  remembered = address;
  const kept = new URLSearchParams(location.search);
  for (const name of ['picture', 'blur', 'methods']) kept.delete(name);
  const rest = kept.toString();
  history.replaceState(history.state, '', location.pathname + address + (rest ? '&' + rest : '') + location.hash);
}

// A value without panes has only a status to tell (null: nothing goes on), and one that is no view tells nothing; what was
// compared last stays. It is a copy, since Gradio's page changes the value that it has given in place.
function draw() {
  const news = props.value;
  const told = Boolean(news && news.panes);
  if (told && news.panes.length) shown = JSON.parse(JSON.stringify(news));
  const value = shown;
  if (!value) return;
  const can = { picture: true, gradient: true, difference: value.has_reference, distance: value.has_reference && value.has_distance };
  if (!can[view]) view = 'picture';
  for (const button of viewButtons) button.disabled = !can[button.dataset.view];
  viewButtons.find((button) => button.dataset.view === 'distance').title =
    `Where the ${value.distance_name} distance from the reference comes from: black is none, bright is much`;
  press(viewButtons, viewButtons.find((button) => button.dataset.view === view));
  peekButton.disabled = !value.has_reference;
  panes.show(value, view, convention);
  crops.show(value, view);
  figures.show(value, convention);
  if (told) {
    root.dataset.stored = String(Boolean(news.panes.length && value.stored));
    showStatus(news.panes.length ? value.status : news.status || { ...value.status, busy: false, running: '' });
  }
  remember(value.address);
  if (value.subject !== subject) {  // the same picture blurred anew keeps the zoom and the crop
    subject = value.subject;
    viewport.setPicture(value.size[0], value.size[1]);
    crops.centreOn(value.spot[0], value.spot[1]);
    viewport.fit();
  }
}

watch('value', draw);
draw();
trigger('ready');  // the first comparison starts when there is somebody to show it
