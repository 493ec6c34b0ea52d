// The chosen spot of every pane, enlarged by a whole number of screen pixels without smoothing, from the same files.

function makeCrop(key) {
  const node = make('figure', 'lab-crop');
  node.dataset.method = key;
  const glass = make('div', 'lab-glass');
  const image = make('img');
  image.draggable = false;
  image.alt = '';
  glass.append(image);
  const caption = make('figcaption');
  caption.append(make('i', 'lab-dot'), make('span', 'lab-name'));
  node.append(glass, caption);
  return node;
}

function makeCrops(section, panesHost) {
  const host = section.querySelector('.lab-crops');
  const sizes = [...section.querySelectorAll('[data-size]')];
  const where = section.querySelector('.lab-where');
  let size = { w: 1, h: 1 };
  let side = 64;
  let cell = 160;
  let columns = 5;
  let spot = { x: 0, y: 0 };

  function box() {
    const w = Math.min(side, size.w);
    const h = Math.min(side, size.h);
    return {
      x: Math.round(clamp(spot.x - w / 2, 0, size.w - w)), y: Math.round(clamp(spot.y - h / 2, 0, size.h - h)), w, h,
    };
  }

  function apply() {
    const b = box();
    const ratio = window.devicePixelRatio || 1;
    const enlarged = Math.max(1, Math.floor(cell * ratio / Math.max(b.w, b.h))) / ratio;
    for (const target of [host, panesHost]) {
      for (const [name, value] of Object.entries({ '--bx': b.x, '--by': b.y, '--bw': b.w, '--bh': b.h })) {
        target.style.setProperty(name, value);
      }
    }
    host.style.setProperty('--k', enlarged);
    host.style.setProperty('--columns', columns);
    setText(where, `${b.w} x ${b.h} pixels at ${b.x}, ${b.y}, enlarged ${Math.round(enlarged * ratio)} times`);
    host.dataset.box = [b.x, b.y, b.w, b.h].join(',');
  }

  for (const button of sizes) {
    button.addEventListener('click', () => { side = Number(button.dataset.size); press(sizes, button); apply(); });
  }
  return {
    show(value, view) {
      size = { w: value.size[0], h: value.size[1] };
      const old = new Map([...host.children].map((node) => [node.dataset.method, node]));
      const nodes = value.panes.map((pane) => old.get(pane.key) || makeCrop(pane.key));
      if (nodes.length !== host.children.length || nodes.some((node, i) => host.children[i] !== node)) {
        host.replaceChildren(...nodes);
      }
      value.panes.forEach((pane, i) => {
        const image = nodes[i].querySelector('img');
        image.width = size.w;
        image.height = size.h;
        setImage(image, pane.images[view]);
        nodes[i].querySelector('.lab-dot').style.background = pane.color || 'transparent';
        setText(nodes[i].querySelector('.lab-name'), pane.name);
        image.alt = pane.state === 'done' ? 'Crop of ' + pane.name : '';
      });
      apply();
    },
    // In the columns of the panes; one more at phone width, where the crops may be smaller than the panes.
    fitInto(width, columnCount) {
      columns = columnCount === 2 ? 3 : columnCount;
      cell = columnCount === 2 ? (width * 2 - GAP) / 3 : width;
      apply();
    },
    centreOn(x, y) { spot = { x: clamp(x, 0, size.w), y: clamp(y, 0, size.h) }; apply(); },
    moveBy(dx, dy) { const b = box(); this.centreOn(b.x + b.w / 2 + dx * side / 4, b.y + b.h / 2 + dy * side / 4); },
    get spot() { return { ...spot }; },
  };
}
