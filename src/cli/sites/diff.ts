/** The difference between two documents, by place. Pure. */

/** A place whose value differs. Undefined: it is absent on this side. */
export type Difference = { place: string; before: unknown; after: unknown }

/** The differences from `before` to `after`: tables member by member, lists item by item. Equal values give no rows. */
export function differences(before: unknown, after: unknown, place = ''): Difference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  const [one, other] = [membersOf(before), membersOf(after)]
  if (!one || !other || Array.isArray(before) !== Array.isArray(after)) return [{ place, before, after }]
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])]
  const placeOf = (name: string) =>
    Array.isArray(after) ? `${place}[${name}]` : place === '' ? name : `${place}.${name}`
  return names.flatMap((name) => differences(one[name], other[name], placeOf(name)))
}

/** A row of a diff: `+` what is new, `-` what goes, `~` what changes. */
export function diffLine({ place, before, after }: Difference): string {
  if (before === undefined) return `+ ${place} = ${JSON.stringify(after)}`
  if (after === undefined) return `- ${place} = ${JSON.stringify(before)}`
  return `~ ${place} = ${JSON.stringify(before)} → ${JSON.stringify(after)}`
}

function membersOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
}
