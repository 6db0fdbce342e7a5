/** Clients for two independent sources: the operator's API (read model and accounts) and the chain. */
import { type Address, createPublicClient, type Hex, http, parseAbi } from 'viem'
import { baseSepolia } from 'viem/chains'
import type { StackFacts } from '../../testing/stack/stack.ts'

const USDC = parseAbi(['function balanceOf(address) view returns (uint256)'])
const ESCROW = parseAbi(['function channels(bytes32) view returns (uint128 balance, uint128 totalClaimed)'])

/** Reads the chain without the Worker. Amounts are atomic units of USDC. */
export type ChainReader = {
  holds(address: Address): Promise<bigint>
  channel(id: Hex): Promise<{ balance: bigint; claimed: bigint }>
}

/** Connects to the chain of a running stack. */
export function chainReader({ rpc, usdc, escrow }: StackFacts): ChainReader {
  const client = createPublicClient({ chain: baseSepolia, transport: http(rpc) })
  return {
    holds: (address) =>
      client.readContract({ address: usdc, abi: USDC, functionName: 'balanceOf', args: [address] }),
    async channel(id) {
      const [balance, claimed] = await client.readContract({
        address: escrow,
        abi: ESCROW,
        functionName: 'channels',
        args: [id],
      })
      return { balance, claimed }
    },
  }
}

/** A settlement run or a billing run. Amounts are decimal strings in atomic units. */
export type RunView = {
  id: string
  kind: string
  status: string
  record: {
    startedBy: string
    claimed: string
    swept: string
    findings: { count: number; list: unknown[] }
    transactions: { list: { kind: string; rows: number; gas: string | null }[] }
    /** The sums of a billing run; `invoiced` in micro-dollars. */
    bill?: { lines: number; statements: number; invoices: number; invoiced: string; steps: number }
  }
}

type Totals = { authorized: string; charged: string; redeemed: string }

/** The operator's API: `lines` reads the read model in D1, `tab` (a channel or a credit line) and `atOnce` read the accounts themselves. */
export type OperatorClient = {
  runs(): Promise<RunView[]>
  lines(): Promise<{ id: string; kind: string; payer: Address; totals: Totals | null }[]>
  tab(account: string): Promise<Totals>
  atOnce(id: string): Promise<{ payments: number; received: string; inDoubt: number }>
}

/** The terms of one crawler's credit. `creditLimit` in micro-dollars. */
export type AgentTerms = {
  id: string
  name: string
  url: string
  keys: { keys: JsonWebKey[] }
  creditLimit: string
  period: 'daily' | 'weekly' | 'monthly'
  rail: 'stablecoin' | 'stripe' | 'transfer'
  buyer: { name: string; country: string; taxId?: string }
}

/** An invoice. Amounts in micro-dollars: `net` is billed now, `carriedOut` on the next invoice. */
export type InvoiceView = {
  id: string
  stage: 'open' | 'due' | 'past_due' | 'suspended' | 'written_off' | 'settled'
  net: string
  carriedOut: string
  total: string
  owed: string
  presented: { url: string | null; instructions: string | null } | null
}

/** The part of the operator's API that concerns credit. */
export type CreditClient = {
  enrol(agent: AgentTerms): Promise<void>
  line(agent: string): Promise<{ status: string; charged: string; redeemed: string }>
  /** The oldest first, each as its credit line has it. */
  invoices(agent: string): Promise<InvoiceView[]>
  /** Records a bank transfer of the whole amount owed. */
  markPaid(invoice: string, reference: string): Promise<InvoiceView>
}

/** Connects to the operator's API of a running stack. */
export function creditClient(stack: StackFacts): CreditClient {
  const call = caller(stack)
  return {
    enrol: async (agent) => void (await call('/agents', agent)),
    line: async (agent) =>
      ((await call(`/accounts/${agent}`)) as { standing: Awaited<ReturnType<CreditClient['line']>> })
        .standing,
    async invoices(agent) {
      const { invoices } = (await call(`/invoices?agent=${agent}`)) as { invoices: InvoiceView[] }
      const ids = invoices.map(({ id }) => id).sort()
      return Promise.all(ids.map(async (id) => (await call(`/invoices/${id}`)) as InvoiceView))
    },
    markPaid: async (invoice, reference) =>
      (await call(`/invoices/${invoice}/payments`, { reference })) as InvoiceView,
  }
}

/** Calls the operator's API: a POST if there is a body, else a GET. */
function caller({ operator }: StackFacts) {
  return async (path: string, body?: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${operator.token}`, 'content-type': 'application/json' }
    const sent = body && { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`${operator.url}${path}`, { headers, ...sent })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
}

/** Connects to the operator's API of a running stack. */
export function operatorClient(stack: StackFacts): OperatorClient {
  const get = caller(stack)
  return {
    runs: async () => ((await get('/runs')) as { runs: RunView[] }).runs,
    lines: async () =>
      ((await get('/accounts')) as { accounts: Awaited<ReturnType<OperatorClient['lines']>> }).accounts,
    tab: async (id) => ((await get(`/accounts/${id}`)) as { standing: Totals }).standing,
    atOnce: async (id) =>
      ((await get(`/accounts/${id}`)) as { totals: Awaited<ReturnType<OperatorClient['atOnce']>> }).totals,
  }
}
