// Asking the API: queries, mutations under idempotency keys, money.

/** The API's answers to which it is worth to ask again: what was asked may or may not have been done. */
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
const PATIENCE_MS = 15_000;

/** There is no data. `code` is the API's, or `UNANSWERED` where the network gave nothing back. */
export class Failure extends Error {
  constructor(code, message) {
    super(sentence(message));
    this.code = code;
  }

  get isUnknown() {
    return UNKNOWN.has(this.code);
  }
}

/** A mutation that was not done. `errors` are the API's: `{code, message, path}`. */
export class Refusal extends Error {
  constructor(errors) {
    super(errors.map(({ message }) => sentence(message)).join(" "));
    this.errors = errors;
  }
}

/** What the API says has neither a capital nor a full stop. */
export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
}

/**
 * The data of a query, asked again a few times while it cannot be told what came of it.
 * `who` is `{token}` for somebody who has signed in, `{cartToken}` for a guest.
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
  const signal = AbortSignal.timeout(PATIENCE_MS);
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
 * The payload of a mutation that was done: `selection` and its `position`.
 *
 * Its idempotency key stays the same until the answer is known, over a reload of the page too: whoever
 * presses the button again repeats the request, and does nothing twice.
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

/** What `money` needs to know. */
export const MONEY = "amount currency exponent";

/** An amount for people. The digits are placed as text: they may be more than a number holds. */
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

/** The minor units in what somebody typed, such as `1250` for `12.5`; what is no amount, as it is. */
export function minorUnits(text, exponent) {
  const [, whole, fraction = ""] = text.trim().match(/^(\d+)(?:[.,](\d*))?$/) ?? [];
  if (whole === undefined || fraction.length > exponent) return text;
  return String(BigInt(whole + fraction.padEnd(exponent, "0")));
}
