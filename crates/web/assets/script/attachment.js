// What a statement names by its hash: fetched, held against the hash, and read.

import { getBytes } from "./api.js";
import { hex, sha256, textOf } from "./bytes.js";
import { cubicMetres, mu, yuan } from "./figures.js";
import { apart } from "./parts.js";
import { balanced } from "./registry.js";

/** Rows that are listed; the rest is counted, summed and said to be more. */
const MAX_ROWS = 200;

/**
 * What the attachment of a statement says: `{tables, wrong, more}`; `wrong` forbids signing.
 */
export const readAttachment = async (attachment, say) => {
  const bytes = await getBytes(`/attachments/${attachment.named.sha256}`);
  const digest = hex(await sha256(bytes));
  if (digest !== attachment.named.sha256 || bytes.length !== attachment.named.bytes) {
    return { tables: [], wrong: [say("attachment_differs")], more: [] };
  }
  return describeAttachment(attachment, textOf(bytes), say);
};

const describeAttachment = (attachment, text, say) => READ[attachment.what](attachment, text, say);

const lines = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

const bills = ({ households, total_fen }, text, say) => {
  const all = lines(text);
  const total = all.reduce((sum, bill) => sum + bill.total_fen, 0);
  const wrong = counted(all.length, households, say);
  if (total !== total_fen) wrong.push(say("attachment_sum_differs", yuan(total), yuan(total_fen)));
  const head = [say("household"), say("due")];
  const rows = all.map((bill) => [String(bill.household), yuan(bill.total_fen)]);
  return listed(head, rows, [say("total"), yuan(total)], wrong, say);
};

const plot = (say) => (part) => {
  const [crop, source, area] = ["crop", "source", "area"].map(part.plain);
  return { area, words: say("plot_words", crop, say.code("source", source), mu(area)) };
};

const household = (say) => (part) => {
  const [number, group, right] = ["household", "group", "water_right_litres"].map(part.plain);
  const plots = part.each("plots", plot(say));
  const area = plots.reduce((sum, one) => sum + one.area, 0);
  const words = plots.map((one) => one.words).join(say("comma"));
  const litres = right === undefined ? "—" : cubicMetres(right);
  return { area, row: [String(number), String(group), mu(area), words, litres] };
};

const roster = ({ households }, text, say) => {
  const unknown = [];
  const all = JSON.parse(text).map((one) => apart("", one, unknown, household(say)));
  const head = [say("household"), say("group"), say("area"), say("plots"), say("water_right")];
  const area = all.reduce((sum, one) => sum + one.area, 0);
  const foot = [say("total"), "", mu(area), "", ""];
  const wrong = counted(all.length, households, say);
  if (unknown.length) wrong.push(say("unknown_field", [...new Set(unknown)].join(", ")));
  return listed(head, all.map((one) => one.row), foot, wrong, say);
};

const balances = ({ outlets }, text, say) => {
  const unknown = [];
  const rows = lines(text).map((one) => apart("", one, unknown, balanced(say)));
  const head = [say("outlet"), say("last_reports"), say("litres")];
  const wrong = rows.length === outlets ? [] : [say("attachment_outlets_differ", rows.length, outlets)];
  if (unknown.length) wrong.push(say("unknown_field", unknown.join(", ")));
  return listed(head, rows, null, wrong, say);
};

const READ = { bills, roster, balances };

const counted = (count, households, say) =>
  count === households ? [] : [say("attachment_count_differs", count, households)];

const listed = (head, rows, foot, wrong, say) => ({
  tables: [{ head, rows: rows.slice(0, MAX_ROWS), foot }],
  wrong,
  more: rows.length > MAX_ROWS ? [say("table_cut", MAX_ROWS, rows.length)] : [],
});
