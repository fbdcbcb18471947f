// What all controls share, put before the script of each: elements, keys, and a question to Python that may stay without
// an answer. What is drawn comes from Python as `drawing`; what the reader does goes back as `given`.

const COMMANDS = ["Shift", "Control", "Alt", "Meta", "Escape", "Tab"];
const PATIENCE = 3000; // milliseconds until a reader is told that nobody answers
const UNHEARD = "No answer: Python is busy, or was restarted. If this stays, run this cell again.";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "html") node.innerHTML = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// A key pressed in a control is not a command of the notebook's; Escape, Tab and combinations still are.
function keepKeys(el) {
  el.addEventListener("keydown", (event) => {
    const combined = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
    if (!combined && !COMMANDS.includes(event.key)) event.stopPropagation();
  });
}

// Gives Python a value; returns the number under which it will be heard.
function send(model, value) {
  const number = (model.get("given").number || 0) + 1;
  model.set("given", { number, value });
  model.save_changes();
  return number;
}

// As `send`, and whoever is not heard in time is told so.
function ask(model, el, value) {
  const number = send(model, value);
  setTimeout(() => {
    if (model.get("heard") < number) el.append(make("div", { class: "course-note", role: "status" }, UNHEARD));
  }, PATIENCE);
}

// What has the focus, by the name in its data-focus, keeps it while everything in `el` is drawn again.
function redraw(el, children) {
  const focused = el.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  el.replaceChildren(...children);
  if (focused) el.querySelector(`[data-focus="${focused}"]`)?.focus();
}
