// Sliders and choices over a picture. Where all pictures came along ("frames" and "rows", see course_lib.plotting.sliders)
// nobody is asked; otherwise Python draws one at a time. Everything works by keyboard: the sliders are the browser's own.

function markup({ frames, rows }, knobs, at) {
  const row = rows[at.reduce((index, position, k) => index * knobs[k].shown.length + position, 0)];
  const frame = frames[row[0]];
  return frame.map((part, k) => (k ? row[k] + part : part)).join("");
}

function knobOf(knob, position, moved) {
  const shown = make("span", { class: "course-value", "aria-hidden": "true" }, knob.shown[position]); // it is the input's
  let input;
  if (knob.texts) {
    input = make("select", {}, ...knob.shown.map((text) => make("option", {}, text)));
    input.selectedIndex = position;
    input.addEventListener("input", () => moved(input.selectedIndex));
    return make("label", {}, make("span", {}, knob.name), input);
  }
  input = make("input", { type: "range", min: 0, max: knob.shown.length - 1, step: 1, value: position });
  input.setAttribute("aria-valuetext", knob.shown[position]);
  shown.style.minWidth = `${Math.max(...knob.shown.map((text) => text.length))}ch`;
  input.addEventListener("input", () => {
    shown.textContent = knob.shown[input.value];
    input.setAttribute("aria-valuetext", knob.shown[input.value]);
    moved(Number(input.value));
  });
  return make("label", {}, make("span", {}, knob.name), input, shown);
}

function render({ model, el }) {
  el.classList.add("course-control", "course-sketch");
  keepKeys(el);
  const { knobs, rows, answer } = model.get("drawing");
  const at = answer ? [...answer.at] : knobs.map((knob) => knob.start);
  const known = new Map(); // what Python has drawn so far
  let asked = null; // one question at a time; whoever drags gets the picture of where they are by then
  let patience = 0;

  const picture = make("div", { class: "course-picture" });
  const note = make("div", { class: "course-note", role: "status" });
  const draw = () => {
    const drawing = model.get("drawing");
    const place = JSON.stringify(at);
    if (rows) picture.innerHTML = markup(drawing, knobs, at);
    else if (known.has(place)) {
      picture.innerHTML = known.get(place);
      note.textContent = "";
    } else if (asked === null) wonder(place);
  };
  const wonder = (place) => {
    asked = place;
    send(model, JSON.parse(place));
    clearTimeout(patience);
    patience = setTimeout(() => {
      note.textContent = UNHEARD;
      asked = null; // the next move asks again
    }, PATIENCE);
  };
  const hear = () => {
    const { answer } = model.get("drawing");
    if (!answer) return;
    const place = JSON.stringify(answer.at);
    if (answer.svg) known.set(place, answer.svg);
    note.textContent = answer.problem || "";
    clearTimeout(patience);
    asked = null;
    if (answer.svg || place !== JSON.stringify(at)) draw();
  };
  const controls = knobs.map((knob, k) =>
    knobOf(knob, at[k], (position) => {
      at[k] = position;
      draw();
    }),
  );
  el.replaceChildren(make("div", { class: "course-knobs" }, ...controls), picture, note);
  model.on("change:drawing", hear);
  hear();
  draw();
  return () => {
    clearTimeout(patience);
    model.off("change:drawing", hear);
  };
}

export default { render };
