// What this browser keeps: the key, the outbox, and what it saw of the log.

const NAME = "mingqu";
const VERSION = 2;

/** The names of what is kept. */
export const KEY = "key";
export const OUTBOX = "outbox";
export const SEEN = "seen";

const promised = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const opened = () => {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion < 1) {
      request.result.createObjectStore(KEY, { keyPath: "name" });
      request.result.createObjectStore(OUTBOX, { keyPath: "id", autoIncrement: true });
    }
    if (oldVersion < 2) request.result.createObjectStore(SEEN, { keyPath: "name" });
  };
  return promised(request);
};

/** Resolves when what was written is on disk. */
const within = async (store, mode, act) => {
  const database = await opened();
  try {
    const transaction = database.transaction(store, mode, { durability: "strict" });
    const ended = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
    const result = await promised(act(transaction.objectStore(store)));
    await ended;
    return result;
  } finally {
    database.close();
  }
};

export const read = (store, id) => within(store, "readonly", (kept) => kept.get(id));
export const all = (store) => within(store, "readonly", (kept) => kept.getAll());
export const write = (store, value) => within(store, "readwrite", (kept) => kept.put(value));
export const drop = (store, id) => within(store, "readwrite", (kept) => kept.delete(id));
