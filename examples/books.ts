/** What everybody's books say: the operator's (D1 and the accounts, by the API) and the chain's, each asked by itself. */
import { type Address, createPublicClient, type Hex, http, parseAbi } from 'viem'
import { baseSepolia } from 'viem/chains'
import type { StackFacts } from '../src/testing/stack.ts'

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

export function operatorBook({ operator }: StackFacts): OperatorBook {
  const get = async (path: string) => {
    const headers = { authorization: `Bearer ${operator.token}` }
    const response = await fetch(`${operator.url}${path}`, { headers })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  return {
    runs: async () => ((await get('/runs')) as { runs: Run[] }).runs,
    lines: async () =>
      ((await get('/accounts')) as { accounts: Awaited<ReturnType<OperatorBook['lines']>> }).accounts,
    tab: async (id) => ((await get(`/accounts/${id}`)) as { standing: Totals }).standing,
    atOnce: async (id) =>
      ((await get(`/accounts/${id}`)) as { totals: Awaited<ReturnType<OperatorBook['atOnce']>> }).totals,
  }
}
