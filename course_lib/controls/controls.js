// Draws the controls of the course's pages. What is drawn comes from Python as `drawing`; what the reader does goes back
// as `given`. Everything works by keyboard: Tab reaches a control, arrows move inside it, Enter or Space chooses.

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
let groups = 0;

function note(drawing) {
  return make("div", { class: "course-note", role: "status", html: drawing.note || "" });
}

// One of a few. Arrows move without choosing: a choice is meant.
function choices(drawing, give) {
  const name = `course-${(groups += 1)}`;
  const chosen = drawing.chosen;
  const inputs = drawing.choices.map((choice) =>
    make("input", {
      type: "radio",
      name,
      value: choice.key,
      checked: choice.key === chosen,
      disabled: drawing.locked,
      "data-focus": choice.key,
      onclick: () => give(choice.key),
      onkeydown: (event) => {
        const at = inputs.indexOf(event.target);
        const step = ARROWS[event.key];
        if (step) {
          event.preventDefault();
          inputs[(at + step[0] + step[1] + inputs.length) % inputs.length].focus();
        } else if (event.key === "Enter" && !event.shiftKey) {
          event.preventDefault();
          event.target.click();
        }
      },
    }),
  );
  const lines = drawing.choices.map((choice, at) => {
    const came = (drawing.right || []).includes(choice.key);
    const marks = `course-choice${came ? " course-right" : ""}${choice.key === chosen ? " course-chosen" : ""}`;
    return make("label", { class: marks }, inputs[at], make("span", { html: `${choice.key}) ${choice.html}` }), came ? sign() : null);
  });
  return [
    make("fieldset", {}, make("legend", { html: drawing.label }), ...lines),
    note(drawing),
  ];
}

function sign() {
  return make("span", { class: "course-sign", "aria-label": "right" }, " ✓");
}

function number(drawing, give) {
  const input = make("input", {
    type: "text",
    inputmode: "decimal",
    size: 8,
    value: drawing.chosen ?? "",
    disabled: drawing.locked,
    "aria-label": drawing.plain,
    "data-focus": "number",
    onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        give(input.value);
      }
    },
    onchange: () => give(input.value),
  });
  return [
    make("div", { class: "course-line" }, make("span", { html: drawing.label }), input, make("span", { html: drawing.unit || "" })),
    note(drawing),
  ];
}

// A cell of a matrix. One cell is reached by Tab, the others by arrows.
function grid(drawing, give) {
  const same = (one, other) => one && other && one[0] === other[0] && one[1] === other[1];
  const start = drawing.chosen || [0, 0];
  const buttons = drawing.rows.map((row, i) =>
    drawing.columns.map((column, j) => {
      const came = (drawing.right || []).some((cell) => same(cell, [i, j]));
      const chosen = same(drawing.chosen, [i, j]);
      return make(
        "button",
        {
          type: "button",
          class: `${came ? "course-right" : ""}${chosen ? " course-chosen" : ""}`,
          tabindex: same(start, [i, j]) ? 0 : -1,
          disabled: drawing.locked,
          "aria-pressed": String(Boolean(chosen)),
          "aria-label": `row ${row}, column ${column}${came ? ", right" : ""}`,
          title: `row ${row}, column ${column}`,
          "data-focus": `${i} ${j}`,
          onclick: () => give([i, j]),
          onkeydown: (event) => {
            const step = ARROWS[event.key];
            const next = step && buttons[i + step[0]]?.[j + step[1]];
            if (step) event.preventDefault();
            if (next) next.focus();
          },
        },
        came ? "✓" : chosen ? "●" : "",
      );
    }),
  );
  const head = make("tr", {}, make("td"), ...drawing.columns.map((column) => make("th", { scope: "col" }, column)));
  const rows = drawing.rows.map((row, i) =>
    make("tr", {}, make("th", { scope: "row" }, row), ...buttons[i].map((button) => make("td", {}, button))),
  );
  return [make("div", { html: drawing.label }), make("table", { "aria-label": drawing.plain }, head, ...rows), note(drawing)];
}

function button(drawing, give) {
  return [
    make("button", { type: "button", disabled: drawing.locked, "data-focus": "button", onclick: () => give(true) }, drawing.label),
  ];
}

// In a learner's copy the texts that explain a result are folded: they would give it away. They open when it is out,
// up to a heading, the next control or code in sight.
function openExplanation(el) {
  let cell = el.closest(".jp-Cell")?.nextElementSibling;
  let opened = false;
  for (; cell; cell = cell.nextElementSibling) {
    if (cell.querySelector(".course-control")) return;
    const placeholder = cell.querySelector(".jp-InputPlaceholder");
    if (cell.classList.contains("jp-MarkdownCell")) {
      if (opened && !placeholder) return;
      placeholder?.click();
      opened = true;
    } else if (opened && !placeholder) return;
  }
}

const KINDS = { choices, number, grid, button };

function render({ model, el }) {
  el.classList.add("course-control");
  keepKeys(el);
  let asked = "";
  const give = (value) => {
    const text = JSON.stringify(value);
    if (text === asked && model.get("drawing").kind === "number") return; // Enter, and then the field is left
    asked = text;
    ask(model, el, value);
  };
  const draw = () => {
    const drawing = model.get("drawing");
    redraw(el, KINDS[drawing.kind](drawing, give));
    if (drawing.revealed) setTimeout(() => openExplanation(el));
  };
  model.on("change:drawing", draw);
  model.on("change:heard", draw); // whatever said that nobody answers goes
  draw();
  return () => {
    model.off("change:drawing", draw);
    model.off("change:heard", draw);
  };
}

export default { render };
