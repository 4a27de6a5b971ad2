// Talking to the server. What it refuses is told apart from what never reached it.

const WAIT_MILLIS = 20000;

/** The server answered, and did not do it. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  /** Whether the same may succeed later without anybody changing it. */
  get passes() {
    return this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

/** No answer came: no reception, or the server is away. */
export class Unreached extends Error {}

const answer = async (path, options) => {
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(), WAIT_MILLIS);
  let response;
  let body;
  try {
    response = await fetch(path, {
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: ended.signal,
      ...options,
    });
    body = new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Unreached(path);
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok) throw new Refused(response.status, detailOf(body) || response.statusText);
  return body;
};

const detailOf = (body) => {
  try {
    return JSON.parse(new TextDecoder().decode(body)).detail ?? "";
  } catch {
    return "";
  }
};

const parsed = (body) => (body.length ? JSON.parse(new TextDecoder().decode(body)) : null);

export const get = async (path) => parsed(await answer(path, {}));

export const getBytes = (path, options = {}) => answer(path, options);

/** Posts a JSON text, byte for byte. */
export const postText = async (path, text) =>
  parsed(
    await answer(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: text,
    }),
  );

export const post = (path, value) => postText(path, JSON.stringify(value));

export const remove = async (path) => parsed(await answer(path, { method: "DELETE" }));
