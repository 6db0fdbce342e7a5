/** Principals, and the rights of their roles. Pure. */

/**
 * The rights, each for a group of routes. `figures`: money and traffic in sums. `money`: accounts, credit,
 * statements and invoices. `runs`: nightly runs, alerts, the relayer and the read model. `policy`: terms of sites that are there.
 * `sites`: sites as such, and the proofs of their hosts.
 */
export const RIGHTS = [
  'figures.read',
  'sites.read',
  'sites.write',
  'policy.write',
  'publishers.write',
  'money.read',
  'money.write',
  'runs.read',
  'runs.write',
  'export',
  'audit.read',
  'people.read',
  'people.write',
  'tokens.write',
] as const
/** One of {@link RIGHTS}. */
export type Right = (typeof RIGHTS)[number]

const ACCOUNTANT: readonly Right[] = [
  'figures.read',
  'sites.read',
  'money.read',
  'runs.read',
  'export',
  'tokens.write',
]
const VIEWER: readonly Right[] = ['figures.read', 'sites.read', 'tokens.write']

/** The rights of each role. The two roles of publishers see the sites of their publisher alone. */
export const RIGHTS_OF = {
  owner: RIGHTS,
  operator: RIGHTS.filter((right) => right !== 'people.write'),
  finance: [...ACCOUNTANT, 'money.write', 'publishers.write', 'audit.read'],
  accountant: ACCOUNTANT,
  'publisher-admin': [...VIEWER, 'policy.write'],
  'publisher-viewer': VIEWER,
} as const satisfies Record<string, readonly Right[]>

/** The rights of a principal, from all to reading alone. */
export type Role = keyof typeof RIGHTS_OF

/** Every role, in the order of what it may do. */
export const ROLES = Object.keys(RIGHTS_OF) as readonly Role[]

/** The one who acts. `id` stands in the audit log, `name` on pages. */
export type Principal = {
  id: string
  name: string
  role: Role
  /** The publisher whose sites alone are seen; null sees all. */
  publisher: string | null
  /** The scopes of an API token: of its principal's rights it has these alone. Undefined for people. */
  scopes?: readonly Right[]
  /** How it asks, where that is not by itself: an API token, by its id. */
  via?: string
  /** When it last showed its token or its passkey, in Unix milliseconds. Undefined: it cannot, as an API token cannot. */
  provenAt?: number
}

/** The owner by the operator's token. The audit log names it by eight digits of the hash, which change with the token and grant no access. */
export function ownerOf(tokenSha256 = ''): Principal {
  return { id: `token ${tokenSha256.slice(0, 8)}`, name: 'Operator', role: 'owner', publisher: null }
}

/** How long a proof counts for acts that ask for a fresh one. Milliseconds. */
export const STEP_UP_MS = 5 * 60_000

/** Whether a role is of a publisher. */
export function isOfPublisher(role: Role): boolean {
  return role === 'publisher-admin' || role === 'publisher-viewer'
}

/** Whether a principal has a right. */
export function may({ role, publisher, scopes }: Principal, right: Right): boolean {
  // Threat: null sees all, so a role of publishers without a publisher may do nothing.
  if (isOfPublisher(role) && publisher === null) return false
  const rights: readonly Right[] = RIGHTS_OF[role] ?? []
  return rights.includes(right) && (scopes?.includes(right) ?? true)
}

/** Whether a principal has shown its token or passkey within {@link STEP_UP_MS}. `now` in Unix milliseconds. */
export function isFresh({ provenAt }: Principal, now: number): boolean {
  return provenAt !== undefined && provenAt <= now && now - provenAt <= STEP_UP_MS
}
