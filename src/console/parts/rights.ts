/** Rights in words, as pages show them. */
import type { Right } from '../../people/principal.ts'

/** Each right as the rest of “may …”. */
export const RIGHT_NAMES: Readonly<Record<Right, string>> = {
  'figures.read': 'see figures',
  'sites.read': 'see sites and publishers',
  'sites.write': 'add and suspend sites',
  'policy.write': 'change policies',
  'publishers.write': 'change publishers',
  'money.read': 'see accounts and invoices',
  'money.write': 'give credit and book money',
  'runs.read': 'see runs and alerts',
  'runs.write': 'start runs, mute alerts',
  export: 'export',
  'audit.read': 'see the audit log',
  'people.read': 'see people',
  'people.write': 'change people',
  'tokens.write': 'make API tokens',
}

/** Rights as one phrase. */
export function rightsText(rights: readonly Right[]): string {
  return rights.map((right) => RIGHT_NAMES[right]).join('; ')
}
