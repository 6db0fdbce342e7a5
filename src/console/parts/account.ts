/** The names of accounts. */

/** `Channel` of `channel`. */
export function kindTitle(kind: string): string {
  return { channel: 'Channel', credit: 'Credit line', exact: 'Payer by exact' }[kind] ?? kind
}

/** `0x7c1f…9be2` of a long name; short ones stay. */
export function shortened(id: string): string {
  return id.length > 24 ? `${id.slice(0, 10)}…${id.slice(-4)}` : id
}
