// Requests to the API: queries, mutations under idempotency keys, money.

/** The error codes that leave unknown whether the request was executed. It is sent again after them. */
const UNKNOWN = new Set([
  "UNANSWERED",
  "UNAVAILABLE",
  "TIMEOUT",
  "INTERNAL",
  "BUSY",
  "RATE_LIMITED",
  "STALE",
]);

const PAUSES_MS = [300, 1000, 2000, 4000];
const ANSWER_TIMEOUT_MS = 15_000;

/** An answer without data. `code` is the API's, or `UNANSWERED` if there was no answer. */
export class Failure extends Error {
  constructor(code, message) {
    super(sentence(message));
    this.code = code;
  }

  get isUnknown() {
    return UNKNOWN.has(this.code);
  }
}

/** A mutation that was refused. `errors` are the API's: `{code, message, path}`. */
export class Refusal extends Error {
  constructor(errors) {
    super(errors.map(({ message }) => sentence(message)).join(" "));
    this.errors = errors;
  }
}

/** Gives a message of the API a capital letter and a full stop. */
export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
}

/**
 * The data of a query; it is repeated a few times while the outcome is unknown.
 * `who` is `{token}` for a caller who has signed in, `{cartToken}` for a guest.
 */
export async function ask(query, variables = {}, who = {}) {
  for (const pause of PAUSES_MS) {
    try {
      return await askOnce(query, variables, who);
    } catch (failure) {
      if (!failure.isUnknown) throw failure;
      await new Promise((resume) => setTimeout(resume, pause));
    }
  }
  return askOnce(query, variables, who);
}

async function askOnce(query, variables, { token, cartToken }) {
  const headers = {
    "Content-Type": "application/json",
    Accept: "application/graphql-response+json",
  };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (cartToken) headers["X-Cart-Token"] = cartToken;
  const body = JSON.stringify({ query, variables });
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const answer = await fetch("/graphql", { method: "POST", headers, body, signal })
    .then((response) => response.json())
    .catch(() => {
      throw new Failure("UNANSWERED", "The shop does not answer. Please try again.");
    });
  const error = answer.errors?.[0];
  if (error) throw new Failure(error.extensions?.code ?? "INTERNAL", error.message);
  return answer.data;
}

/**
 * The payload of a mutation that was executed: `selection` and its `position`.
 *
 * Its idempotency key stays the same until the outcome is known, also when the page is reloaded: pressing
 * the button again repeats the request, which the server executes once.
 */
export async function change(name, selection, input, who) {
  const slot = `unanswered ${name} ${JSON.stringify(input)}`;
  const idempotencyKey = sessionStorage.getItem(slot) ?? crypto.randomUUID();
  sessionStorage.setItem(slot, idempotencyKey);
  try {
    const data = await ask(mutation(name, selection), { input: { ...input, idempotencyKey } }, who);
    sessionStorage.removeItem(slot);
    if (data[name].errors.length > 0) throw new Refusal(data[name].errors);
    return data[name];
  } catch (failure) {
    if (!failure.isUnknown) sessionStorage.removeItem(slot);
    throw failure;
  }
}

function mutation(name, selection) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const payload = `${selection} position errors { code message path }`;
  return `mutation($input: ${type}!) { ${name}(input: $input) { ${payload} } }`;
}

/** The fields that `money` needs. */
export const MONEY = "amount currency exponent";

/** Formats an amount. The digits stay a text, because a JavaScript number may not hold all of them. */
export function money({ amount, currency, exponent }) {
  const style = {
    style: "currency",
    currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  };
  return new Intl.NumberFormat(undefined, style).format(decimal(amount, exponent));
}

function decimal(amount, exponent) {
  if (exponent === 0) return amount;
  const digits = amount.replace("-", "").padStart(exponent + 1, "0");
  const sign = amount.startsWith("-") ? "-" : "";
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

export const isNothing = ({ amount }) => amount === "0";

/** Converts a typed amount to minor units, such as `12.5` to `1250`. A text that is no amount is returned unchanged. */
export function minorUnits(text, exponent) {
  const [, whole, fraction = ""] = text.trim().match(/^(\d+)(?:[.,](\d*))?$/) ?? [];
  if (whole === undefined || fraction.length > exponent) return text;
  return String(BigInt(whole + fraction.padEnd(exponent, "0")));
}
