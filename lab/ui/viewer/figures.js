// The table of figures, rebuilt from the value whenever something changed.

const ARROWS = { higher: '\u2191', lower: '\u2193' };
const BETTER = { higher: 'higher is better', lower: 'lower is better' };

function headCell(text, title) {
  const cell = make('th', '', text);
  cell.scope = 'col';
  if (title) cell.title = title;
  return cell;
}

function nameCell(pane) {
  const cell = make('th');
  cell.scope = 'row';
  const dot = make('i', 'lab-dot');
  dot.style.background = pane.color || 'transparent';
  cell.append(dot, make('span', '', pane.name));
  if (pane.size) cell.append(make('span', 'lab-variant', pane.size));
  cell.title = pane.about;
  return cell;
}

function figureCell(figure) {
  const cell = make('td', 'lab-number');
  if (!figure) return cell;
  if (figure.measuring) cell.dataset.measuring = 'true';
  const rank = figure.rank;
  cell.append(make(rank === 1 ? 'b' : 'span', rank === 1 ? 'lab-best' : rank === 2 ? 'lab-second' : '', figure.measuring ? '\u2026' : figure.text));
  if (rank) cell.dataset.rank = rank;
  const title = figure.why || figure.note;
  if (title) cell.title = title;
  if (figure.why) cell.append(make('span', 'lab-unseen', figure.why));
  return cell;
}

function cardOf(metric) {
  const node = make('section', 'lab-card');
  const list = make('dl');
  for (const [what, text] of metric.card) list.append(make('dt', '', what), make('dd', '', text));
  node.append(make('h3', '', metric.name), list);
  return node;
}

// Two lines, like the name of a network that was scaled down, so that no row grows when its result arrives.
function checkpointCell(pane) {
  const cell = make('td', 'lab-checkpoint');
  if (!pane.checkpoint) return cell;
  const file = make('span', '', pane.checkpoint + ' ');
  file.append(make('code', '', pane.sha));
  if (pane.stage) file.append(make('span', 'lab-stage', ' ' + pane.stage));
  cell.append(file);
  if (pane.differs) cell.append(make('span', 'lab-stage', 'Unlike the paper: ' + pane.differs));
  return cell;
}

function domainText(pane) {
  if (pane.in_domain === null || pane.in_domain === undefined) return '';
  return pane.in_domain ? 'yes' : 'no';
}

function row(pane, metrics, convention) {
  const line = make('tr');
  line.dataset.method = pane.key;
  line.dataset.state = pane.state;
  line.append(nameCell(pane));
  if (pane.state !== 'done') {
    const cell = make('td', 'lab-open');
    cell.append(make('span', '', stateText(pane)));
    cell.colSpan = metrics.length + 4;
    line.append(cell);
    return line;
  }
  for (const metric of metrics) {
    const cell = figureCell((pane.figures[convention] || {})[metric.key]);
    cell.dataset.metric = metric.key;
    line.append(cell);
  }
  const seconds = make('td', 'lab-number lab-took', pane.seconds);
  if (pane.device) seconds.title = 'on ' + pane.device;
  line.append(seconds, make('td', 'lab-in-domain', domainText(pane)), make('td', 'lab-given', pane.given), checkpointCell(pane));
  return line;
}

function makeFigures(section, onConvention) {
  const table = section.querySelector('table');
  const note = section.querySelector('.lab-note');
  const choices = section.querySelector('.lab-conventions');
  let cards = '';

  // Rebuilt only when they change, so that nobody who reads them loses the place.
  function showCards(value) {
    setText(section.querySelector('.lab-models'), value.models_hint);
    setText(section.querySelector('.lab-four'), value.why_four);
    if (cards === JSON.stringify(value.metrics)) return;
    cards = JSON.stringify(value.metrics);
    section.querySelector('.lab-cards').replaceChildren(...value.metrics.map(cardOf));
  }

  function showConventions(conventions, chosen, whyFour) {
    if (choices.children.length !== conventions.length) {
      choices.replaceChildren(...conventions.map((convention) => {
        const button = make('button', '', convention.name);
        button.type = 'button';
        button.dataset.convention = convention.key;
        button.title = convention.about + '.\n' + whyFour;
        button.addEventListener('click', () => onConvention(convention.key));
        return button;
      }));
    }
    press(choices.children, [...choices.children].find((button) => button.dataset.convention === chosen));
  }

  return {
    show(value, convention) {
      showConventions(value.conventions, convention, value.why_four);
      showCards(value);
      table.dataset.convention = convention;
      const head = make('tr');
      head.append(headCell('Method'));
      for (const metric of value.metrics) {
        const lines = metric.card.map(([what, text]) => what + ': ' + text);
        const cell = headCell(metric.name + ' ' + ARROWS[metric.better], [metric.name, ...lines].join('\n'));
        cell.dataset.metric = metric.key;
        cell.append(make('span', 'lab-unseen', ' ' + BETTER[metric.better]));
        cell.classList.add('lab-number');
        head.append(cell);
      }
      const device = (value.panes.find((pane) => pane.device) || {}).device;
      const seconds = headCell('Seconds', device ? 'on ' + device : '');
      seconds.classList.add('lab-number');
      head.append(seconds, headCell('In its domain', 'Whether its training covered this input'), headCell('Given'), headCell('Checkpoint'));
      const top = make('thead');
      top.append(head);
      const body = make('tbody');
      body.append(...value.panes.map((pane) => row(pane, value.metrics, convention)));
      table.replaceChildren(top, body);
      const about = (value.conventions.find((one) => one.key === convention) || {}).about || '';
      const none = value.has_reference ? '' : ' Without a sharp reference there is nothing to measure against.';
      setText(note, about + '.' + none);
    },
  };
}
