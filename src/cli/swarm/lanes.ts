/** Opens the payers of a swarm: each buys one page, so that its channel is open before the clock starts. */
import { generateKeyPairSync } from 'node:crypto'
import { openKit } from '../../lab/crawlers/kit.ts'
import { networks } from '../../protocol/evm/network.ts'
import { CommandError } from '../command.ts'
import type { SwarmCrawler } from './mix.ts'
import type { SwarmPayers } from './payers.ts'
import type { Lane } from './run.ts'

/** The network of the upstream clients of this command. */
const NETWORK = 'eip155:84532'

/** `shares`: how many payers each crawler gets. @throws CommandError if the page is not sold on a channel */
export async function openLanes(
  url: string,
  { wallets, rpcUrl }: Pick<SwarmPayers, 'wallets' | 'rpcUrl'>,
  shares: ReadonlyMap<SwarmCrawler, number>,
  seed: number,
): Promise<Lane[]> {
  const known = networks.get(NETWORK)
  if (!known) throw new Error(`${NETWORK} must be a known network`)
  const { chainId, escrow, collector, usdc } = known
  const names = [...shares].flatMap(([name, count]) => Array<SwarmCrawler>(count).fill(name))
  const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JsonWebKey
  return Promise.all(
    names.map(async (name, number): Promise<Lane> => {
      const wallet = wallets[number]
      if (!wallet) throw new Error('there must be a wallet for each payer')
      const setup = {
        is: 'honest' as const,
        pays: 'channel' as const,
        seed: seed * 1_000 + number,
        name: `swarm-${number}`,
        url,
        wallet,
        key,
        rpcUrl,
        chain: { chainId, usdc: usdc.address, escrow, collector },
      }
      const { kit, tally } = await openKit(setup, {
        advance: impossible,
        evict: impossible,
        dispute: impossible,
      })
      const first = await kit.buy('')
      if (first.status !== 200 || tally().account === null)
        throw new CommandError(
          `URL must be sold on a channel, and was answered ${first.status} ${first.reason}.`,
        )
      return { name, kit, tally }
    }),
  )
}

async function impossible(): Promise<never> {
  throw new Error('only a lab can do that')
}
