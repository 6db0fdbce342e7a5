/** The payers of a load: the accounts of a local stack, or keys of the environment. */
import { readFile } from 'node:fs/promises'
import { privateKeyToAddress } from 'viem/accounts'
import type { Setup } from '../../lab/crawlers/crawler.ts'
import { READY, type StackFacts } from '../../testing/stack/stack.ts'
import { CommandError, UsageError } from '../command.ts'

type Wallet = Setup['wallet']

/** The wallets that pay, their node, and the operator’s API of the target if it is known. */
export type SwarmPayers = {
  wallets: Wallet[]
  rpcUrl: string
  operator: { url: string; token: string } | null
}

/** The payers of a running stack. */
export function payersOf({ accounts, rpc, operator }: StackFacts): SwarmPayers {
  const wallets = accounts.map(({ address, privateKey }) => ({ address, privateKey }))
  return { wallets, rpcUrl: rpc, operator }
}

/** Reads what `tab402 start` has printed. @throws CommandError unless the file holds it */
export async function readStack(file: string): Promise<StackFacts> {
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
export function payersFrom(
  { KEYS = '', RPC_URL = '', OPERATOR_TOKEN }: NodeJS.ProcessEnv,
  url: string,
): SwarmPayers {
  const keys = KEYS.split(',').filter((key) => key !== '')
  if (keys.length === 0 || !keys.every((key) => /^0x[0-9a-fA-F]{64}$/.test(key)))
    throw new UsageError(
      'KEYS must be private keys, 0x and 64 hex digits, with commas between; or pass --stack FILE.',
    )
  if (!URL.canParse(RPC_URL)) throw new UsageError('RPC_URL must be the URL of a node.')
  const wallets = keys.map((key) => {
    const privateKey = key as Wallet['privateKey']
    return { address: privateKeyToAddress(privateKey), privateKey }
  })
  const operator = OPERATOR_TOKEN
    ? { url: `${new URL(url).origin}/_tab402/api`, token: OPERATOR_TOKEN }
    : null
  return { wallets, rpcUrl: RPC_URL, operator }
}
