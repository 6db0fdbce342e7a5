/** One entry of a journal with its proof: what was signed, and where a statement has it. */
import type { AccountBody as Account, EntryBody as Entry, Paged } from '../answers.ts'
import type { Ask, Reply } from '../edge.ts'
import { crawlerName } from '../figures.ts'
import { entryTitle, kindTitle, shortened } from '../parts/account.ts'
import { Exact, Time } from '../parts/figures.tsx'
import { FactList, Head, PageSection, Trouble } from '../parts/page.tsx'
import { Nothing } from '../parts/table.tsx'
import { type PageHandler, show, trouble } from '../shell.tsx'
import { ruleName } from './policy/try.tsx'

type Proven = Entry & {
  signature?: string | null
  evidence?: Record<string, unknown>
  document?: Record<string, unknown>
  ceiling?: string
  authorized?: string
  iou?: string | null
}
type Stated = { agent: string; period: { id: string }; first: number; last: number }
type Proof = { index: number; size: number; path: string[] }
type StatedLeaf = { period: string; leaf: Proof }

/** The page of an entry. */
export const oneEntry: PageHandler = async (c) => {
  const { ask } = c.get('desk')
  const id = c.req.param('id') ?? ''
  const seq = Number(c.req.param('seq') ?? 0)
  const own = `/accounts/${encodeURIComponent(id)}`
  const asked = await ask<Account>(`${own}?after=${Math.max(seq - 1, 0)}&limit=1&evidence=true`)
  if (!asked.ok) return trouble(c, 'Entry', asked)
  const account = asked.value
  const entry = 'entries' in account ? (account.entries[0] as Proven | undefined) : undefined
  const above = {
    href: own,
    title: 'name' in account ? account.name : `${kindTitle(account.kind)} ${shortened(id)}`,
  }
  if (!entry || entry.seq !== seq)
    return show(
      c,
      'Entry',
      <>
        <Head title="No such entry" above={above} />
        <Nothing what="The number must be that of an entry in the journal." />
      </>,
      404,
    )
  const isCredit = 'name' in account
  const proof = isCredit ? await proofOf(ask, id, seq) : null
  return show(
    c,
    `Entry ${seq}`,
    <>
      <Head
        title={`Entry ${seq}: ${entryTitle(entry.kind)}`}
        above={above}
        asOf={asked.at}
        sources={['live']}
      />
      <PageSection title="The entry" id="entry" note="USD">
        <Facts of={entry} own={own} />
      </PageSection>
      <PageSection title="Proof" id="proof" note={isCredit ? 'A signed request' : 'A voucher, EIP-712'}>
        <Evidence of={entry} isCredit={isCredit} />
      </PageSection>
      {proof && (
        <PageSection title="In a statement" id="statement">
          {proof.ok ? <InStatement of={proof.value} /> : <Trouble problem={proof.problem} />}
        </PageSection>
      )}
    </>,
  )
}

function InStatement({ of }: { of: StatedLeaf | null }) {
  if (!of)
    return <Nothing what="No statement has this entry yet. The billing run states it when its period ends." />
  const { period, leaf } = of
  return (
    <>
      <p>{`Statement ${period} has this entry as leaf ${leaf.index + 1} of ${leaf.size}. The hashes lead to its signed root.`}</p>
      <pre class="code gap">{JSON.stringify(leaf, null, 2)}</pre>
    </>
  )
}

function Facts({ of: entry, own }: { of: Proven; own: string }) {
  const {
    at,
    id,
    amount,
    authorized,
    charged,
    redeemed,
    ceiling,
    request,
    site,
    rule,
    who,
    transaction,
    of,
  } = entry
  return (
    <FactList
      of={[
        ['Time', <Time at={at} seconds />],
        ['Amount', <Exact of={amount} />],
        ...(request ? ([['Request', <code>{request}</code>]] as const) : []),
        ...(site ? ([['Site', site]] as const) : []),
        ...(rule ? ([['Rule', `${ruleName(rule)} (${rule})`]] as const) : []),
        ...(who ? ([['Crawler', crawlerName(who)]] as const) : []),
        ...(of ? ([['About', <a href={`${own}/entries/${of}`}>{`Entry ${of}`}</a>]] as const) : []),
        ...(transaction ? ([['Transaction', <code>{transaction}</code>]] as const) : []),
        ...(authorized ? ([['Authorized in all', <Exact of={authorized} />]] as const) : []),
        ['Charged in all', <Exact of={charged} />],
        ['Redeemed in all', <Exact of={redeemed} />],
        ...(ceiling ? ([['Ceiling', <Exact of={ceiling} />]] as const) : []),
        ['Id', <code>{id}</code>],
      ]}
    />
  )
}

function Evidence({
  of: { signature, evidence, document, iou },
  isCredit,
}: {
  of: Proven
  isCredit: boolean
}) {
  const shown = evidence ?? document ?? (signature ? { signature } : null)
  if (!shown)
    return (
      <Nothing
        what={
          isCredit
            ? 'The evidence is with the charge that this entry is about.'
            : 'The chain or the operator made this entry, without a signature.'
        }
      />
    )
  return (
    <>
      {iou && (
        <p>
          IOU <code>{iou}</code>
        </p>
      )}
      <pre class="code gap">{JSON.stringify(shown, null, 2)}</pre>
    </>
  )
}

/** The proof of an entry in the statement that has it, and its period; null before it is stated. */
async function proofOf(ask: Ask, agent: string, seq: number): Promise<Reply<StatedLeaf | null>> {
  const own = encodeURIComponent(agent)
  const listed = await ask<Paged<'statements', Stated>>(`/statements?agent=${own}&limit=500`)
  if (!listed.ok) return listed
  const stated = listed.value.statements.find(({ first, last }) => first <= seq && seq <= last)
  if (!stated) return { ...listed, value: null }
  const period = stated.period.id
  const proof = await ask<Proof>(`/statements/${own}/${period}/proofs/${seq}`)
  return proof.ok ? { ...proof, value: { period, leaf: proof.value } } : proof
}
