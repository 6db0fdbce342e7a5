/** The facts of a sale in the row of its charge: which site sold, by which terms, to whom. */

/** All null for entries of earlier versions, and for those that sell nothing. */
export type SaleFacts = {
  /** The site's id, or its host without a registry of sites. */
  site: string | null
  /** The rule of the policy and its factors. */
  rule: string | null
  /** The version of the site's policy; 0 without a registry. */
  policy: number | null
  /** A confirmed crawler's name, or a claimed one behind `~`; also null for a client without a name. */
  who: string | null
}

/** The same in an order: an older Worker sends none. */
export type SentSaleFacts = { [Fact in keyof SaleFacts]?: SaleFacts[Fact] }

/** The facts of an entry that sells nothing. */
export const NOTHING_SOLD: SaleFacts = { site: null, rule: null, policy: null, who: null }

/** The facts of an order or an entry, alone. */
export function soldOf({ site = null, rule = null, policy = null, who = null }: SentSaleFacts): SaleFacts {
  return { site, rule, policy, who }
}

/** The facts in a row of a journal. */
export function soldIn(row: Record<string, SqlStorageValue>): SaleFacts {
  return {
    site: row.site as string | null,
    rule: row.rule as string | null,
    policy: row.policy as number | null,
    who: row.who as string | null,
  }
}
