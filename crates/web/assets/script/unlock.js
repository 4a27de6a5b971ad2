// Forms for the PIN of a software key.

import { element, note, paragraph } from "./dom.js";
import { MIN_PIN_DIGITS, WrongPin, signer } from "./key.js";

const field = (id, words) => {
  const input = element("input", {
    id, type: "password", inputmode: "numeric", autocomplete: "off", maxlength: "32", required: true,
  });
  return { input, whole: element("p", { class: "field" }, element("label", { for: id }, words), input) };
};

/** Asks for a new PIN, twice; calls `use` with it. */
export const newPin = (say, words, use) => {
  const [first, second] = [field("pin", say("pin", MIN_PIN_DIGITS)), field("pin-again", say("pin_again"))];
  const complaint = element("div", { role: "alert" });
  const submit = (event) => {
    event.preventDefault();
    const pin = first.input.value;
    if (!/^\d+$/.test(pin) || pin.length < MIN_PIN_DIGITS) {
      complaint.replaceChildren(note("bad", say("pin_short", MIN_PIN_DIGITS)));
    } else if (pin !== second.input.value) {
      complaint.replaceChildren(note("bad", say("pin_differs")));
    } else {
      use(pin);
    }
  };
  return element("form", { onsubmit: submit }, complaint, first.whole, second.whole, element("button", { class: "main" }, words));
};

/** Resolves with the signing function of a key, asking for its PIN in `place` where it has one. */
export const unlocked = (key, place, say) => {
  if (key.kept === "browser") return signer(key);
  return new Promise((resolve) => {
    const pin = field("pin", say("pin_enter"));
    const complaint = element("div", { role: "alert" });
    const submit = async (event) => {
      event.preventDefault();
      try {
        const sign = await signer(key, pin.input.value);
        place.replaceChildren();
        resolve(sign);
      } catch (error) {
        if (!(error instanceof WrongPin)) throw error;
        complaint.replaceChildren(note("bad", say("pin_wrong")));
      }
    };
    const open = element("button", { class: "main" }, say("pin_open"));
    place.replaceChildren(element("form", { onsubmit: submit }, complaint, pin.whole, open));
  });
};

/** What a page says that can go no further: a title, words, and perhaps something to do. */
export const stop = (place, title, words, ...more) =>
  place.replaceChildren(element("h2", {}, title), ...[words].flat().map((line) => paragraph(line)), ...more);

