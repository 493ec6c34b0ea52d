// Sections one below the other: texts, the steps, tables, figures. The value is described in lab/ui/paper_view.py.

const host = element.querySelector('.lab-paper');
let drawn = '';

function cellOf(cell, key) {
  const node = make('td', 'lab-number');
  node.dataset.column = key;
  if (cell.title) node.title = cell.title;
  node.append(make(cell.rank === 1 ? 'b' : 'span', cell.rank === 1 ? 'lab-best' : cell.rank === 2 ? 'lab-second' : '', cell.text));
  if (cell.rank) node.dataset.rank = cell.rank;
  return node;
}

function rowOf(row, columns) {
  const line = make('tr');
  line.dataset.method = row.key;
  const name = make('th');
  name.scope = 'row';
  name.title = row.title;
  const dot = make('i', 'lab-dot');
  dot.style.background = row.color || 'transparent';
  if (row.color) name.append(dot);
  name.append(make('span', '', row.name));
  line.append(name, ...row.cells.map((cell, i) => cellOf(cell, columns[i].key)));
  return line;
}

function headOf(table) {
  const head = make('thead');
  const top = make('tr', 'lab-groups');
  const below = make('tr');
  const corner = make('th', '', table.corner);
  corner.scope = 'col';
  corner.rowSpan = table.groups.length ? 2 : 1;
  (table.groups.length ? top : below).append(corner);
  for (const group of table.groups) {
    const cell = make('th', 'lab-number', group.text);
    cell.scope = 'colgroup';
    cell.colSpan = group.span;
    if (group.title) cell.title = group.title;
    top.append(cell);
  }
  for (const column of table.columns) {
    const cell = make('th', 'lab-number', column.name + ' ' + column.arrow);
    cell.scope = 'col';
    cell.title = column.title;
    cell.dataset.column = column.key;
    cell.append(make('span', 'lab-unseen', ' ' + column.better));
    below.append(cell);
  }
  head.append(...(table.groups.length ? [top, below] : [below]));
  return head;
}

function tableOf(table) {
  const block = make('div', 'lab-block');
  block.dataset.table = table.key;
  const node = make('table');
  const body = make('tbody');
  body.append(...table.rows.map((row) => rowOf(row, table.columns)));
  node.append(headOf(table), body);
  const scroll = make('div', 'lab-scroll');
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'region');
  scroll.setAttribute('aria-label', 'Table: ' + table.title);
  scroll.append(node);
  block.append(make('h3', '', table.title), scroll, ...table.notes.map((text) => make('p', 'lab-note', text)));
  return block;
}

function pictureOf(picture, files) {
  const node = make('figure', 'lab-shown lab-shown-' + picture.kind);
  const frame = make('div', 'lab-canvas');
  frame.tabIndex = 0;
  frame.setAttribute('role', 'region');
  frame.setAttribute('aria-label', picture.caption);
  const image = make('img');
  image.alt = picture.alt;
  image.src = picture.data || files[picture.file].url;
  frame.append(image);
  node.append(frame, make('figcaption', '', picture.caption));
  return node;
}

function stepOf(step) {
  const node = make('li', 'lab-step');
  node.dataset.method = step.key;
  const name = make('h3');
  const dot = make('i', 'lab-dot');
  dot.style.background = step.color;
  name.append(dot, make('span', '', step.name));
  const list = make('dl');
  for (const [what, text] of step.lines) list.append(make('dt', '', what), make('dd', '', text));
  node.append(name, make('p', 'lab-change', step.change), list);
  return node;
}

function sectionOf(section, files) {
  const node = make('section');
  node.dataset.section = section.key;
  node.append(make('h2', '', section.title), ...section.texts.map((text) => make('p', 'lab-words', text)));
  if (section.missing) node.append(make('p', 'lab-missing', section.missing));
  if (section.steps.length) {
    const steps = make('ol', 'lab-steps');
    steps.append(...section.steps.map(stepOf));
    node.append(steps);
  }
  node.append(...section.tables.map(tableOf));
  if (section.pictures.length) {
    const pictures = make('div', 'lab-pictures');
    pictures.append(...section.pictures.map((picture) => pictureOf(picture, files)));
    node.append(pictures);
  }
  node.append(...section.notes.map((text) => make('p', 'lab-note', text)));
  if (section.command) {
    const line = make('p', 'lab-command', 'Made by ');
    line.append(make('code', '', section.command));
    node.append(line);
  }
  if (section.link) {
    const line = make('p', 'lab-note');
    const link = make('a', '', section.link.text);
    link.href = section.link.to;
    link.target = '_blank';  // the panels here stay as they are
    link.rel = 'noopener';
    line.append(link);
    node.append(line);
  }
  return node;
}

function draw() {
  const value = props.value;
  if (!value || drawn === JSON.stringify(value)) return;  // who comes back to the tab keeps the place
  drawn = JSON.stringify(value);
  host.replaceChildren(...value.sections.map((section) => sectionOf(section, value.files)));
}

watch('value', draw);
draw();
