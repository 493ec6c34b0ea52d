// Thumbnails as radio buttons: arrows move between them, the chosen one travels back to Python as the value.

const host = element.querySelector('.lab-picker');

function choose(key, focus) {
  const changed = props.value.chosen !== key;
  if (changed) props.value = { ...props.value, chosen: key };
  draw();
  if (changed) trigger('chosen', { key });  // not 'change', which also fires for what Python sets
  if (focus) host.querySelector('[aria-checked=true]').focus();
}

function makeButton(picture) {
  const button = document.createElement('button');
  button.type = 'button';
  button.setAttribute('role', 'radio');
  button.dataset.picture = picture.key;
  const image = document.createElement('img');
  image.alt = '';
  const title = document.createElement('span');
  button.append(image, title);
  return button;
}

function draw() {
  const value = props.value;
  if (!value || !value.pictures) return;
  const old = new Map([...host.children].map((button) => [button.dataset.picture, button]));
  const buttons = value.pictures.map((picture) => old.get(picture.key) || makeButton(picture));
  if (buttons.length !== host.children.length) host.replaceChildren(...buttons);
  value.pictures.forEach((picture, i) => {
    const chosen = picture.key === value.chosen;
    buttons[i].setAttribute('aria-checked', String(chosen));
    buttons[i].tabIndex = chosen ? 0 : -1;
    buttons[i].title = picture.credit ? picture.title + '. ' + picture.credit : picture.title;
    const image = buttons[i].querySelector('img');
    if (image.getAttribute('src') !== picture.thumbnail) image.src = picture.thumbnail;
    buttons[i].querySelector('span').textContent = picture.title;
  });
}

host.addEventListener('click', (event) => {
  const button = event.target.closest('[data-picture]');
  if (button) choose(button.dataset.picture, false);
});
host.addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const keys = props.value.pictures.map((picture) => picture.key);
  choose(keys[(keys.indexOf(props.value.chosen) + step + keys.length) % keys.length], true);
});

watch('value', draw);
draw();
