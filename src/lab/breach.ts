/** A broken invariant, as the audit names it. */

/** Both figures are in micro-dollars, unless `says` names another unit. `account`: whose it is. */
export type Breach = { id: string; account: string; says: string; figures: [string, bigint][] }

/** One breach, or none if the invariant `holds`. */
export function unless(
  holds: boolean,
  id: string,
  account: string,
  says: string,
  figures: Record<string, bigint>,
): Breach[] {
  return holds ? [] : [{ id, account, says, figures: Object.entries(figures) }]
}

/** One line for people. */
export function breachText({ id, account, says, figures }: Breach): string {
  return `${id} ${account}: ${says} (${figures.map(([name, amount]) => `${name} ${amount}`).join(', ')})`
}
