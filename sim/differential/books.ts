/** The books as the operator's API shows them, without times, hashes and signatures. */
import type { Ground } from './ground.ts'

type Row = Record<string, unknown>
/** The books at one moment. */
export type Shown = { accounts: Record<string, Row>; runs: Row[]; findings: Row[] }

/** Members that differ between two places, or between two moments. */
const LEFT_OUT =
  /(?:At|Until|Since)$|^(?:at|since|next|hash|tx|transaction|block|signature|url|links?|cause|site|openedAt|id|origin)$/

/** Reads all accounts with their journals, the runs, and what they found. */
export async function booksOf(ground: Ground): Promise<Shown> {
  const { accounts } = (await ground.read('/accounts?limit=100')) as { accounts: { id: string }[] }
  const shown: Record<string, Row> = {}
  for (const { id } of accounts)
    shown[id] = stripped(await ground.read(`/accounts/${id}?limit=100`), ground.site) as Row
  const { runs } = (await ground.read('/runs?limit=100')) as {
    runs: {
      kind: string
      status: string
      record: { findings?: { list: { account: string; what: string }[] } } & Row
    }[]
  }
  return {
    accounts: shown,
    // The lab has a seller for credit, so its nights bill, too.
    runs: runs
      .filter(({ kind }) => kind !== 'billing')
      .map(({ kind, status, record }) => ({
        kind,
        status,
        claimed: record.claimed,
        swept: record.swept,
      })),
    findings: runs.flatMap(({ record }) =>
      (record.findings?.list ?? []).map(({ account, what }) => ({ account, what })),
    ),
  }
}

function stripped(value: unknown, site: string): unknown {
  if (typeof value === 'string') return value.replaceAll(site, '')
  if (Array.isArray(value)) return value.map((inner) => stripped(inner, site))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !LEFT_OUT.test(name))
      .map(([name, inner]) => [name, stripped(inner, site)]),
  )
}
