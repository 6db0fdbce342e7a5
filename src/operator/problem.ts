/** Errors as problem details (RFC 9457): one list of codes, with the sentences that people read. */

/** One error in a request. No member repeats a value that was sent: it may be a secret. */
export type RequestError = {
  /** The member or query parameter: `buyer.country`, `keys.keys[0]`, `stage`. */
  path: string
  /** The rule that was broken: "must be a string". */
  message: string
  /** The expected value, often with an example. */
  expected: string
}

type Problem = { status: number; title: string; detail: string }

/** The media type of every error (RFC 9457 §3). */
export const PROBLEM_TYPE = 'application/problem+json'

/** Every error of the API. `type` of an error names its row, as the OpenAPI document shows it. */
export const PROBLEMS = {
  not_a_json_object: {
    status: 400,
    title: 'The body must be a JSON object',
    detail: 'Send one JSON object, for example {"reason": "…"}.',
  },
  invalid: {
    status: 400,
    title: 'The request has errors',
    detail: 'Correct every member that `errors` lists, then send the request again.',
  },
  key_invalid: {
    status: 400,
    title: 'The Idempotency-Key has the wrong form',
    detail: 'The header must have 16 to 100 printable ASCII characters without blanks, for example a UUID.',
  },
  unauthorized: {
    status: 401,
    title: 'Missing or invalid credentials',
    detail: 'The header Authorization must be “Bearer” and the operator’s token.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    detail: 'The request needs the right in `right`. The owner gives rights by a role.',
  },
  proof_required: {
    status: 403,
    title: 'A fresh proof is required',
    detail:
      'Show the token or the passkey again. The proof counts for five minutes, and API tokens cannot give one.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    detail: 'Check the path and the ids in it. Agents, statements and invoices need credit.',
  },
  exists: {
    status: 409,
    title: 'The id is already in use',
    detail: 'Choose another `id`, or change the registered agent with PATCH.',
  },
  url_taken: {
    status: 409,
    title: 'The URL belongs to another agent',
    detail: 'Each key directory must belong to one agent only.',
  },
  key_taken: {
    status: 409,
    title: 'A key belongs to another agent',
    detail: 'Each pinned key must belong to one agent only.',
  },
  collected_by_stripe: {
    status: 409,
    title: 'Stripe collects this invoice',
    detail: 'Mark the invoice as paid at Stripe. Otherwise Stripe would collect it again.',
  },
  reference_used: {
    status: 409,
    title: 'The reference is already in use',
    detail: 'A transfer with this reference has another amount or was returned. See `amount` and `returned`.',
  },
  reference_unknown: {
    status: 409,
    title: 'The reference is unknown',
    detail: 'The reference must be that of a transfer on this invoice that was not returned.',
  },
  settled: {
    status: 409,
    title: 'The invoice is already settled',
    detail: 'Send `amount` to record a payment beyond the amount owed.',
  },
  changed: {
    status: 409,
    title: 'The invoice has changed',
    detail: '`creditedNet` must equal the amount credited so far. Read the invoice again.',
  },
  too_much: {
    status: 409,
    title: 'The credit note is too large',
    detail: '`amount` must be at most `creditable`.',
  },
  conflict: {
    status: 409,
    title: 'Conflicts with the current state',
    detail: '`errors` says what the current state must be. Read it again.',
  },
  unproven: {
    status: 409,
    title: 'A host is not proven',
    detail: 'Set the TXT record of each host in `errors`. `unknown` lists those whose look-up got no answer.',
  },
  too_many: {
    status: 409,
    title: 'A limit is reached',
    detail: '`errors` says which limit, and what must change.',
  },
  key_used: {
    status: 409,
    title: 'The key belongs to another request',
    detail: 'Send a new Idempotency-Key with each new request, and the same one with the same request alone.',
  },
  key_running: {
    status: 409,
    title: 'The same request is under way',
    detail:
      'Its outcome is not known yet. Read it at /_tab402/api/acts/{key}, or send the request again in a minute.',
  },
  not_quarantined: {
    status: 409,
    title: 'The channel is not in quarantine',
    detail: 'Claims include it already.',
  },
  stale: {
    status: 412,
    title: 'Changed since it was read',
    detail: 'Read it again, and send its new ETag in If-Match.',
  },
  too_large: {
    status: 413,
    title: 'The body is too large',
    detail: 'A body must be at most 64 KB, and the document of a site at most 1 MB.',
  },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    detail: 'The outcome is unknown. Send the same request again after the time in Retry-After.',
  },
} as const satisfies Record<string, Problem>

/** The word that programs compare. Codes never change. */
export type ProblemCode = keyof typeof PROBLEMS

/** Path of the OpenAPI document, relative to the site. Its `x-problems` holds {@link PROBLEMS}. */
const PROBLEMS_AT = '/_tab402/api/openapi.json#/x-problems'

/** The body of an error. `more` are extension members (RFC 9457 §3.2), such as `errors` or `creditable`. */
export function problemOf(code: ProblemCode, more: Record<string, unknown> = {}) {
  const { status, title, detail } = PROBLEMS[code]
  return { type: `${PROBLEMS_AT}/${code}`, title, status, detail, code, ...more }
}
