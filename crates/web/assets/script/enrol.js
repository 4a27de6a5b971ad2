// The page that an enrolment code opens: makes the key on this phone and hands in its public half.

import { Refused, Unreached, post } from "./api.js";
import { base64 } from "./bytes.js";
import { button, element, note, paragraph } from "./dom.js";
import * as keys from "./key.js";
import { speaker } from "./text.js";
import { newPin, stop, unlocked } from "./unlock.js";

const UNKNOWN = 404;
const KNOWN = 409;
const EXPIRED = 410;

const place = document.getElementById("enrol");
const { district, signPage } = place.dataset;
const say = speaker(document.documentElement.lang);
/** The fragment never leaves the browser, so the code stands in no log. */
const code = () => decodeURIComponent(location.hash.slice(1));

const start = async () => {
  if (!keys.possible()) return stop(place, say("no_crypto"), say("no_crypto_words"));
  const key = await keys.load();
  if (!code()) {
    if (key?.enrolment) return done(key);
    return stop(place, say("enrol_no_code"), say("enrol_no_code_words"));
  }
  return key && !key.enrolment ? offer(() => enrol(key)) : make();
};

const offer = (act) =>
  place.replaceChildren(paragraph(say("enrol_words")), ...weChat(), button(say("enrol_make"), act, "main"));

const weChat = () =>
  /MicroMessenger/.test(navigator.userAgent) ? [note("care", say("in_wechat"))] : [];

/** Offers to make a key, in whichever way this browser can keep one. */
const make = async () => {
  if ((await keys.howKept()) === "browser") {
    return offer(async () => enrol(await keys.makeInBrowser()));
  }
  const pin = newPin(say, say("enrol_make"), async (digits) => {
    const key = await keys.makeUnderPin(digits);
    await enrol(key, await keys.signer(key, digits));
  });
  return place.replaceChildren(
    paragraph(say("enrol_words")), note("care", say("enrol_software_words")), ...weChat(), pin,
  );
};

const enrol = async (key, opened) => {
  try {
    const sign = opened ?? (await unlocked(key, place, say));
    place.replaceChildren(paragraph(say("enrol_sending")), fingerprint(key));
    const proof = base64(await sign(keys.enrolmentText(district, code(), key)));
    const body = { code: code(), key: key.publicKey, kept: key.kept, proof };
    const { statement } = await post("/api/v1/enrolments", body);
    const enrolled = { ...key, enrolment: { statement } };
    await keys.note(key, enrolled.enrolment);
    history.replaceState(null, "", location.pathname + location.search);
    done(enrolled);
  } catch (error) {
    trouble(error, () => enrol(key, opened));
  }
};

const done = (key) =>
  stop(
    place,
    say("enrol_done"),
    say("enrol_done_words"),
    fingerprint(key),
    element("p", {}, element("a", { class: "main", href: signPage }, say("enrol_go"))),
  );

const fingerprint = (key) =>
  element(
    "p",
    { class: "fingerprint", "data-key": key.publicKey, "data-kept": key.kept },
    say("key_is", keys.shortForm(key.fingerprint)),
  );

const trouble = (error, retry) => {
  if (error instanceof Unreached) {
    place.replaceChildren(note("care", say("unreached")), button(say("enrol_retry"), retry, "main"));
    return;
  }
  const words = { [UNKNOWN]: "enrol_unknown", [EXPIRED]: "enrol_expired", [KNOWN]: "enrol_known" };
  const known = error instanceof Refused ? words[error.status] : undefined;
  place.replaceChildren(
    note("bad", known ? say(known) : say("failed", error.message)),
    error.status === KNOWN
      ? button(say("enrol_new"), make, "main")
      : button(say("enrol_retry"), retry, "second"),
  );
};

start().catch((error) => stop(place, say("failed", error.message), []));
