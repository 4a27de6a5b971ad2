// How values look: volumes, money, areas and times. All in integers.

const BEIJING_MILLIS = 8 * 3600 * 1000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

/** An integer of so many decimals, with its thousands apart: 4720600 of 3 is 4,720.600. */
export const decimal = (value, places) => {
  if (!Number.isSafeInteger(value)) return String(value);
  const digits = String(Math.abs(value)).padStart(places + 1, "0");
  const whole = grouped(digits.slice(0, digits.length - places));
  const sign = value < 0 ? "-" : "";
  return places ? `${sign}${whole}.${digits.slice(-places)}` : sign + whole;
};

export const cubicMetres = (litres) => decimal(litres, 3);
export const litresPerSecond = (millilitresPerSecond) => decimal(millilitresPerSecond, 3);
export const yuan = (fen) => decimal(fen, 2);
export const mu = (area) => decimal(area, 2);

const two = (number) => String(number).padStart(2, "0");

/** 2026年11月3日 14:30 in Beijing; the text itself where it is no time. */
export const time = (text, lang) => {
  const millis = Date.parse(text);
  if (Number.isNaN(millis)) return String(text);
  const at = new Date(millis + BEIJING_MILLIS);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  const seconds = at.getUTCSeconds() ? `:${two(at.getUTCSeconds())}` : "";
  const clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}${seconds}`;
  const date =
    lang === "zh" ? `${year}年${month + 1}月${day}日` : `${day} ${MONTHS[month]} ${year}`;
  return `${date} ${clock}`;
};
