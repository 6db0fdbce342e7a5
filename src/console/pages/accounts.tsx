/** The list of accounts: channels, payers of `exact` and credit lines. */
import { KIND } from '../../ledger/book/accounts.ts'
import type { ListedBody as Listed } from '../answers.ts'
import { rowsAt } from '../list.ts'
import { kindTitle, shortened } from '../parts/account.ts'
import { Badge } from '../parts/badges.tsx'
import { Exact } from '../parts/figures.tsx'
import { type ListSpec, listPage } from '../parts/list.tsx'
import type { Column } from '../parts/table.tsx'
import type { Routes } from '../shell.tsx'
import { liftQuarantine, oneAccount, readFromChain, releaseHold } from './account.tsx'
import { oneEntry } from './entry.tsx'

const KINDS = [
  [KIND.channel, 'Channels'],
  [KIND.credit, 'Credit lines'],
  [KIND.exact, 'Payers by exact'],
] as const
const STATES = [
  ['open', 'Open'],
  ['stopped', 'Stopped'],
  ['owing', 'Owing'],
] as const

type Sum = keyof NonNullable<Listed['totals']> | 'owed'

function sumOf({ totals }: Listed, name: Sum): bigint | null {
  if (!totals) return null
  return name === 'owed' ? BigInt(totals.charged) - BigInt(totals.redeemed) : BigInt(totals[name])
}

/** A column of amounts. An account that no run has read has none yet, which is not 0. */
function amounts(title: string, key: Sum, kind: 'n' | 'lead' = 'n'): Column<Listed> {
  return {
    ...{ title, key, kind },
    sort: 'down',
    value: (row) => sumOf(row, key),
    cell: (row) => {
      const sum = sumOf(row, key)
      return sum === null ? <span class="soft">not yet</span> : <Exact of={sum} />
    },
  }
}

const LIST: ListSpec<Listed> = {
  title: 'Accounts',
  heading: 'All accounts',
  caption: 'Accounts',
  note: 'USD, as of the last run that read each',
  sources: ['book'],
  filters: [
    { name: 'text', label: 'Find', hint: 'Id, name or payer' },
    { name: 'kind', label: 'Kind', choices: KINDS },
    { name: 'state', label: 'State', choices: STATES },
  ],
  sort: 'id',
  read: rowsAt('/accounts', 'accounts'),
  empty: {
    what: 'No account yet. A channel opens with a crawler’s first deposit.',
    next: (
      <>
        See what a crawler is asked: <a href="/policy">try a URL</a>.
      </>
    ),
  },
  idOf: ({ id }) => `account-${id}`,
  columns: [
    {
      title: 'Account',
      key: 'id',
      sort: 'up',
      value: ({ id }) => id,
      cell: ({ id, name }) => <a href={`/accounts/${encodeURIComponent(id)}`}>{name ?? shortened(id)}</a>,
    },
    { title: 'Name', key: 'name', isFileOnly: true, value: ({ name }) => name ?? null, cell: () => '' },
    { title: 'Kind', key: 'kind', value: ({ kind }) => kind, cell: ({ kind }) => kindTitle(kind) },
    { title: 'Payer', key: 'payer', isFileOnly: true, value: ({ payer }) => payer ?? null, cell: () => '' },
    {
      title: 'Opened',
      key: 'opened',
      isFileOnly: true,
      value: ({ openedAt }) => iso(openedAt),
      cell: () => '',
    },
    amounts('Authorized', 'authorized'),
    amounts('Charged', 'charged'),
    amounts('Redeemed', 'redeemed'),
    { title: 'State', key: 'state', value: stateWord, cell: stateOf },
    amounts('Owed', 'owed', 'lead'),
    {
      title: 'As of',
      key: 'as_of',
      isFileOnly: true,
      value: ({ updatedAt }) => iso(updatedAt),
      cell: () => '',
    },
  ],
}

function iso(at: number | null | undefined): string | null {
  return at == null ? null : new Date(at).toISOString()
}

function stateWord({ quarantine, closed }: Listed): string {
  return quarantine ?? closed ?? 'open'
}

function stateOf({ quarantine, closed }: Listed) {
  if (quarantine) return <Badge mood="bad">Quarantined</Badge>
  if (closed) return <Badge mood="bad">Suspended</Badge>
  return <Badge mood="good">Open</Badge>
}

/** The pages of accounts. */
export const accountPages: Routes = [
  { path: '/accounts', get: listPage(LIST) },
  { path: '/accounts/:id', get: oneAccount },
  { path: '/accounts/:id/lift', post: liftQuarantine },
  { path: '/accounts/:id/release', post: releaseHold },
  { path: '/accounts/:id/reread', post: readFromChain },
  { path: '/accounts/:id/entries/:seq{[0-9]{1,15}}', get: oneEntry },
]
