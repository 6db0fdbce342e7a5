/** What everybody's books say: the operator's (D1 and the accounts, by the API) and the chain's, each asked by itself. */
import { type Address, createPublicClient, type Hex, http, parseAbi } from 'viem'
import { baseSepolia } from 'viem/chains'
import type { StackFacts } from '../../testing/stack/stack.ts'

const USDC = parseAbi(['function balanceOf(address) view returns (uint256)'])
const ESCROW = parseAbi(['function channels(bytes32) view returns (uint128 balance, uint128 totalClaimed)'])

/** The chain, read past the Worker. Atomic units of USDC. */
export type ChainBook = {
  holds(address: Address): Promise<bigint>
  channel(id: Hex): Promise<{ balance: bigint; claimed: bigint }>
}

export function chainBook({ rpc, usdc, escrow }: StackFacts): ChainBook {
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

/** Amounts are decimal strings in atomic units. */
export type Run = {
  id: string
  kind: string
  status: string
  record: {
    startedBy: string
    claimed: string
    swept: string
    findings: { count: number; list: unknown[] }
    transactions: { list: { kind: string; rows: number; gas: string | null }[] }
    /** What became of the credit lines, in micro-dollars. */
    bill?: { lines: number; statements: number; invoices: number; invoiced: string; steps: number }
  }
}

type Totals = { authorized: string; charged: string; redeemed: string }

/** The operator's API: `lines` is the book in D1, `tab` and `atOnce` are the accounts themselves. */
export type OperatorBook = {
  runs(): Promise<Run[]>
  lines(): Promise<{ id: string; kind: string; payer: Address; totals: Totals | null }[]>
  tab(channelId: Hex): Promise<Totals>
  atOnce(id: string): Promise<{ payments: number; received: string; inDoubt: number }>
}

/** Who gets credit, and how it pays. `creditLimit` in micro-dollars. */
export type Enrolment = {
  id: string
  name: string
  url: string
  keys: { keys: JsonWebKey[] }
  creditLimit: string
  period: 'daily' | 'weekly' | 'monthly'
  rail: 'stablecoin' | 'stripe' | 'transfer'
  buyer: { name: string; country: string; taxId?: string }
}

/** Amounts in micro-dollars. `net` is what of `charged` it bills, `carriedOut` what is left to the next one. */
export type Invoice = {
  id: string
  stage: 'open' | 'due' | 'past_due' | 'suspended' | 'written_off' | 'settled'
  net: string
  carriedOut: string
  total: string
  owed: string
  presented: { url: string | null; instructions: string | null } | null
}

/** The credit half of the operator's API. */
export type CreditBook = {
  enrol(agent: Enrolment): Promise<void>
  line(agent: string): Promise<{ status: string; charged: string; redeemed: string }>
  /** The oldest first, each as its line has it. */
  invoices(agent: string): Promise<Invoice[]>
  /** Notes a transfer of all that is owed. */
  markPaid(invoice: string, reference: string): Promise<Invoice>
}

export function creditBook(stack: StackFacts): CreditBook {
  const call = caller(stack)
  return {
    enrol: async (agent) => void (await call('/agents', agent)),
    line: async (agent) =>
      ((await call(`/accounts/${agent}`)) as { standing: Awaited<ReturnType<CreditBook['line']>> }).standing,
    async invoices(agent) {
      const { invoices } = (await call(`/invoices?agent=${agent}`)) as { invoices: Invoice[] }
      const ids = invoices.map(({ id }) => id).sort()
      return Promise.all(ids.map(async (id) => (await call(`/invoices/${id}`)) as Invoice))
    },
    markPaid: async (invoice, reference) =>
      (await call(`/invoices/${invoice}/payments`, { reference })) as Invoice,
  }
}

/** Calls the operator's API: a POST where there is something to send. */
function caller({ operator }: StackFacts) {
  return async (path: string, body?: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${operator.token}`, 'content-type': 'application/json' }
    const sent = body && { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`${operator.url}${path}`, { headers, ...sent })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
}

export function operatorBook(stack: StackFacts): OperatorBook {
  const get = caller(stack)
  return {
    runs: async () => ((await get('/runs')) as { runs: Run[] }).runs,
    lines: async () =>
      ((await get('/accounts')) as { accounts: Awaited<ReturnType<OperatorBook['lines']>> }).accounts,
    tab: async (id) => ((await get(`/accounts/${id}`)) as { standing: Totals }).standing,
    atOnce: async (id) =>
      ((await get(`/accounts/${id}`)) as { totals: Awaited<ReturnType<OperatorBook['atOnce']>> }).totals,
  }
}
