/** The payers of a load: wallets of a stack on this machine, or keys of the environment. */
import { readFile } from 'node:fs/promises'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import type { Setup } from '../../lab/crawlers/crawler.ts'
import type { Address } from '../../protocol/evm/hex.ts'
import { mintOn } from '../../testing/chain/chain.ts'
import { READY, type StackFacts } from '../../testing/stack/stack.ts'
import { CommandError, UsageError } from '../command.ts'
import { findStack } from '../known-stacks.ts'

type Wallet = Setup['wallet']

/** USDC of a wallet that is made for a load. */
const BALANCE = 1_000_000_000n

/**
 * The wallets that pay, their node, and the operator’s API of the target if it is known. `stack`: the target runs on this
 * machine, so more wallets can be made, and its nights can be moved.
 */
export type SwarmPayers = {
  wallets: Wallet[]
  rpcUrl: string
  operator: { url: string; token: string } | null
  stack: StackFacts | null
}

/**
 * The payers of a URL: those of a stack’s file, else of the environment, else of the stack that serves the URL here.
 * @throws UsageError if there are none
 */
export async function payersFor(
  url: string,
  stackFile: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<SwarmPayers> {
  if (stackFile !== undefined) return payersOf(await readStack(stackFile))
  const stack = env.KEYS ? null : await findStack(url)
  return stack ? payersOf(stack) : payersFrom(env, url)
}

/** The payers of a running stack. */
export function payersOf(stack: StackFacts): SwarmPayers {
  const wallets = stack.accounts.map(({ address, privateKey }) => ({ address, privateKey }))
  return { wallets, rpcUrl: stack.rpc, operator: stack.operator, stack }
}

/** New wallets on the chain of a stack, with $1,000 each, so that no channel of an earlier load is in the way. */
export function newWallets({ rpc, usdc }: StackFacts, count: number): Promise<Wallet[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const privateKey = generatePrivateKey()
      const address = privateKeyToAddress(privateKey).toLowerCase() as Address
      await mintOn(rpc, usdc, address, BALANCE)
      return { address, privateKey }
    }),
  )
}

/** Reads what `tab402 start` has printed. @throws CommandError unless the file holds it */
async function readStack(file: string): Promise<StackFacts> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const line = text.split('\n').find((one) => one.startsWith('{') || one.startsWith(READY)) ?? ''
  try {
    const facts = JSON.parse(line.replace(READY, '')) as StackFacts
    if (Array.isArray(facts.accounts)) return facts
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  throw new CommandError(`${file} must hold what tab402 start --json has printed.`)
}

/** The payers of `KEYS` and `RPC_URL`. @throws UsageError without them */
function payersFrom(
  { KEYS = '', RPC_URL = '', OPERATOR_TOKEN }: NodeJS.ProcessEnv,
  url: string,
): SwarmPayers {
  const keys = KEYS.split(',').filter((key) => key !== '')
  if (keys.length === 0)
    throw new UsageError(
      'URL must be of a stack that tab402 start runs on this machine. For another server, set KEYS and RPC_URL.',
    )
  if (!keys.every((key) => /^0x[0-9a-fA-F]{64}$/.test(key)))
    throw new UsageError('KEYS must be private keys, 0x and 64 hex digits, with commas between.')
  if (!URL.canParse(RPC_URL)) throw new UsageError('RPC_URL must be the URL of a node.')
  const wallets = keys.map((key) => {
    const privateKey = key as Wallet['privateKey']
    return { address: privateKeyToAddress(privateKey), privateKey }
  })
  const operator = OPERATOR_TOKEN
    ? { url: `${new URL(url).origin}/_tab402/api`, token: OPERATOR_TOKEN }
    : null
  return { wallets, rpcUrl: RPC_URL, operator, stack: null }
}
