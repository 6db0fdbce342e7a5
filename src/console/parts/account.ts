/** The names of accounts. */

/** `Channel` of `channel`. */
export function kindTitle(kind: string): string {
  return { channel: 'Channel', credit: 'Credit line', exact: 'Payer by exact' }[kind] ?? kind
}

/** The words of entries, where their kind is none. */
const ENTRIES: Readonly<Record<string, string>> = {
  open: 'opened',
  chain: 'chain read',
  lower: 'charge lowered',
  draft: 'invoice draft',
  presented: 'submitted',
  stage: 'dunning step',
  named: 'overpayment named',
}

/** `credit note` of `credit_note`. */
export function entryTitle(kind: string): string {
  return ENTRIES[kind] ?? kind.replaceAll('_', ' ')
}

/** `0x7c1f…9be2` of a long name; short ones stay. */
export function shortened(id: string): string {
  return id.length > 24 ? `${id.slice(0, 10)}…${id.slice(-4)}` : id
}
