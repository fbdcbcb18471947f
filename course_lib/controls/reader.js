// Draws the machine that reads dates: a text goes in, an answer comes out, and each character of the answer shows where
// in the text the machine looked. Reading is Python's part; what is shaded, and whether attention is cut, is decided here.

const INVITATION = "Choose a character of the answer with a click or with ← and →: the text is shaded by where it looked.";

// What one sees as one character, with its share of the weights: a vowel sign of Hindi belongs to its consonant.
function pieces(text, weights) {
  const parts = globalThis.Intl?.Segmenter
    ? [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)].map((part) => part.segment)
    : [...text];
  let at = 0;
  return parts.map((part) => {
    const end = at + [...part].length;
    const weight = weights ? weights.slice(at, end).reduce((sum, one) => sum + one, 0) : 0;
    at = end;
    return { part, weight };
  });
}

function percent(weight) {
  return `${Math.round(100 * weight)} %`;
}

// Where a character looked most, in words.
function inWords(reading, chosen, parts) {
  const weights = reading.weights[chosen];
  if (weights.length > 1 && Math.max(...weights) - Math.min(...weights) < 0.001) {
    return `To write this ${reading.answer[chosen]}, it looked everywhere alike: ${percent(weights[0])} at each character.`;
  }
  const most = [...parts].sort((one, other) => other.weight - one.weight).slice(0, 3);
  const listed = most.flatMap(({ part, weight }, place) => [
    place ? ", " : "",
    make("bdi", {}, part === " " ? "the space" : `“${part}”`),
    ` ${percent(weight)}`,
  ]);
  return make("span", {}, `To write this ${reading.answer[chosen]}, it looked at `, ...listed, " …");
}

function shaded(parts) {
  return parts.map(({ part, weight }) =>
    make("span", { style: `--share: ${Math.round(100 * weight)}%`, title: percent(weight) }, part),
  );
}

function render({ model, el }) {
  el.classList.add("course-control", "course-reader");
  keepKeys(el);
  let chosen = null; // which character of the answer
  let cut = model.get("drawing").cut;
  let typed = null; // in the field, not yet read
  let fresh = true; // the answer appears character by character once

  const give = (text) => {
    typed = text;
    ask(model, el, text);
  };

  const draw = () => {
    const drawing = model.get("drawing");
    const reading = drawing.readings?.[cut ? "cut" : "whole"];
    const answer = reading ? [...reading.answer] : [];
    const at = reading && chosen !== null && answer.length ? Math.min(chosen, answer.length - 1) : null;
    const parts = reading ? pieces(drawing.text, at === null ? null : reading.weights[at]) : [];

    const field = make("input", {
      type: "text",
      size: 34,
      maxlength: 200,
      dir: "auto",
      value: typed ?? drawing.text,
      "aria-label": "A date to read",
      "data-focus": "field",
      oninput: () => (typed = field.value),
      onkeydown: (event) => {
        if (event.key === "Enter") {
          // With Shift or Ctrl as well: running the cell again would throw away what was typed.
          event.preventDefault();
          event.stopPropagation();
          give(field.value);
        }
      },
    });
    const read = make("button", { type: "button", "data-focus": "read", onclick: () => give(field.value) }, "Read");
    const examples = drawing.examples.map(({ text, name }, number) =>
      make("button", { type: "button", dir: "auto", title: name, "data-focus": `example ${number}`, onclick: () => give(text) }, text),
    );
    const choose = (place) => {
      chosen = place;
      draw();
      el.querySelector(`[data-focus="answer ${place}"]`)?.focus();
    };
    const written = answer.map((character, place) =>
      make(
        "button",
        {
          type: "button",
          class: place === at ? "course-chosen" : "",
          style: fresh ? `animation-delay: ${90 * place}ms` : "animation: none",
          tabindex: place === (at ?? 0) ? 0 : -1,
          "aria-pressed": String(place === at),
          "aria-label": `${character}, character ${place + 1} of the answer`,
          "data-focus": `answer ${place}`,
          onclick: () => choose(place),
          onkeydown: (event) => {
            const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            if (!step) return;
            event.preventDefault();
            if (written[place + step]) choose(place + step);
          },
        },
        character,
      ),
    );
    const cutter = make("input", {
      type: "checkbox",
      checked: cut,
      "data-focus": "cut",
      onchange: () => {
        cut = !cut;
        fresh = true;
        draw();
      },
    });
    const line = (label, ...rest) => make("div", { class: "course-line" }, make("span", { class: "course-label" }, label), ...rest);
    const text = make("span", { class: "course-text", dir: "auto" }, ...shaded(parts));
    const outcome = reading
      ? [
          line("it reads", text),
          line("it writes", make("span", { class: "course-answer", role: "group", "aria-label": `It writes ${reading.answer}` }, ...written)),
        ]
      : [];
    const looked = !reading ? "" : at === null ? INVITATION : inWords(reading, at, parts);
    redraw(el, [
      line("your date", field, read),
      line("or one of", make("span", { class: "course-examples" }, ...examples)),
      ...outcome,
      ...(drawing.switch ? [line("", make("label", {}, cutter, " cut its attention: every character of the text counts the same"))] : []),
      make("div", { class: "course-note", role: "status" }, drawing.note, drawing.note && looked ? " " : "", looked),
      ...(drawing.about ? [make("div", { class: "course-note" }, drawing.about)] : []),
    ]);
    fresh = false;
  };
  const begin = () => {
    typed = null;
    fresh = true;
    draw();
  };
  model.on("change:drawing", begin);
  model.on("change:heard", draw); // whatever said that nobody answers goes
  draw();
  return () => {
    model.off("change:drawing", begin);
    model.off("change:heard", draw);
  };
}

export default { render };
