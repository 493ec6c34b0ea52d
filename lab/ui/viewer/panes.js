// The grid of panes: one for the input, each method and the reference, at their final size before any result is there.

const WIDE_PAGE = 560;
const GAP = 8;
const CAPTION = 40;

// The fewest columns whose panes all fit into most of the window's height, so that they can be compared without scrolling.
function columnsFor(width, count, aspect) {
  if (width < WIDE_PAGE) return 2;
  const height = Math.max(440, window.innerHeight * 0.66);
  for (let columns = 3; columns < 6; columns++) {
    const rows = Math.ceil(count / columns);
    const pane = (width - GAP * (columns - 1)) / columns;
    if (rows * (pane / aspect + CAPTION + GAP) <= height) return Math.min(columns, Math.max(count, 2));
  }
  return Math.min(6, count);
}

function makePane(key) {
  const node = make('figure', 'lab-pane');
  node.dataset.method = key;
  const caption = make('figcaption');
  const top = make('span', 'lab-line');
  top.append(make('i', 'lab-dot'), make('b', 'lab-name'), make('span', 'lab-figure'));
  const below = make('span', 'lab-line lab-small');
  below.append(make('span', 'lab-domain'), make('span', 'lab-size'), make('span', 'lab-seconds'));
  caption.append(top, below);
  const frame = make('div', 'lab-frame');
  for (const view of ['picture', 'gradient', 'difference', 'distance', 'peek']) {
    const image = make('img');
    image.dataset.shows = view;
    image.draggable = false;
    image.alt = '';
    image.hidden = true;
    frame.append(image);
  }
  frame.append(make('span', 'lab-box'), make('span', 'lab-state'));
  node.append(caption, frame);
  return node;
}

function setImage(image, file) {
  if (!file) { image.hidden = true; image.removeAttribute('src'); return; }
  if (image.getAttribute('src') !== file.url) image.src = file.url;
  image.hidden = false;
}

// What was measured is mapped after the picture is there, so a pane can be done without a map.
function lacksMap(pane, view) {
  return pane.state === 'done' && view === 'distance' && !pane.images.distance;
}

function stateText(pane, view) {
  if (lacksMap(pane, view)) return pane.stored ? 'no map is stored: press Run' : 'no map yet';
  if (pane.state === 'done') return '';
  return pane.reason || pane.state;
}

function updatePane(node, pane, pictureSize, view, convention) {
  node.dataset.state = pane.state;
  node.dataset.blank = lacksMap(pane, view);
  node.title = pane.about;
  node.querySelector('.lab-dot').style.background = pane.color || 'transparent';
  setText(node.querySelector('.lab-name'), pane.name);
  const psnr = (pane.figures[convention] || {}).psnr;
  setText(node.querySelector('.lab-figure'), psnr && psnr.text !== '–' ? psnr.text : '');
  node.querySelector('.lab-figure').title = 'PSNR in decibels';
  const outside = pane.in_domain === false;
  const domain = node.querySelector('.lab-domain');
  setText(domain, outside ? 'not its domain' : '');
  domain.title = outside ? 'This input is not what it was made or trained for. Given: ' + pane.given : '';
  const size = node.querySelector('.lab-size');
  setText(size, pane.key === 'input' ? pane.given : pane.size);
  size.title = size.textContent;
  setText(node.querySelector('.lab-seconds'), pane.seconds ? pane.seconds + ' s' : '');
  setText(node.querySelector('.lab-state'), stateText(pane, view));
  for (const image of node.querySelectorAll('img')) {
    image.width = pictureSize[0];
    image.height = pictureSize[1];
    const shows = image.dataset.shows;
    if (shows === 'distance' && view !== 'distance') continue;  // not loaded before somebody looks
    if (shows !== 'peek') setImage(image, pane.images[shows]);
    image.alt = shows === view && pane.state === 'done' ? pane.name : '';
  }
}

function makePanes(host, onResize) {
  let aspect = 1;
  let count = 0;

  function layout() {
    const style = getComputedStyle(host);
    const width = host.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (!(width > 0) || !count) return;
    const columns = columnsFor(width, count, aspect);
    const wide = Math.floor((width - GAP * (columns - 1)) / columns);
    const high = Math.round(wide / aspect);
    host.style.setProperty('--columns', columns);
    host.style.setProperty('--wide', wide + 'px');
    host.style.setProperty('--high', high + 'px');
    onResize(wide, high, columns);
  }

  let lastWidth = 0;
  new ResizeObserver(() => {
    if (host.clientWidth !== lastWidth) { lastWidth = host.clientWidth; layout(); }
  }).observe(host);

  return {
    // Nodes are kept by method, so that a pane never flickers while others change.
    show(value, view, convention) {
      const old = new Map([...host.children].map((node) => [node.dataset.method, node]));
      const nodes = value.panes.map((pane) => old.get(pane.key) || makePane(pane.key));
      if (nodes.length !== host.children.length || nodes.some((node, i) => host.children[i] !== node)) {
        host.replaceChildren(...nodes);
      }
      value.panes.forEach((pane, i) => updatePane(nodes[i], pane, value.size, view, convention));
      const reference = value.panes.find((pane) => pane.key === 'reference');
      for (const image of host.querySelectorAll('img[data-shows=peek]')) {
        setImage(image, reference && reference.images[view === 'gradient' ? view : 'picture']);
      }
      host.dataset.view = view;
      const shape = clamp(value.size[0] / value.size[1], 0.75, 1.8);
      if (shape !== aspect || count !== nodes.length) { aspect = shape; count = nodes.length; layout(); }
    },
  };
}
