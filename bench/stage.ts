/** Parts shared by all cases: the local chain, a funded channel, vouchers signed in advance, an origin. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeDeposit } from '../src/chain/escrow.ts'
import { GAS_VARS, type LocalAccount, type LocalChain, startChain } from '../src/testing/chain/chain.ts'
import { type Channel, channelFor, depositInto, type Offered, payments } from './payments.ts'

export const NETWORK = 'eip155:84532'
export const PRICE = '0.001'
/** Their sum stays below MAX_UNCLAIMED. */
export const MAX_PAYMENTS = 99_000
const DEPOSIT = 200_000_000n

export type Stage = {
  chain: LocalChain
  payers: LocalAccount[]
  relayer: LocalAccount
  receiver: LocalAccount
  /** Vars of a paywall on this chain. */
  vars: Record<string, string>
  origin: string
  directory: string
  stop(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const [chain, directory] = await Promise.all([
    startChain({ accounts: 6 }),
    mkdtemp(join(tmpdir(), 'tab402-bench-')),
  ])
  const [relayer, receiver, ...payers] = chain.accounts
  if (!relayer || !receiver) throw new Error('the local chain has too few accounts')
  const origin = await startOrigin()
  return {
    chain,
    payers,
    relayer,
    receiver,
    vars: {
      RECEIVER: receiver.address,
      NETWORK,
      PRICE,
      TERMS: '["robots", "rsl", "tdm", "x402"]',
      RPC_URL: chain.rpcUrl,
      RELAYER_KEY: relayer.privateKey,
      RELAYER_ADDRESS: relayer.address,
      ...GAS_VARS,
    },
    origin: origin.url,
    directory,
    async stop() {
      await origin.stop()
      await chain.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Funds a channel and signs its first `count` vouchers, one on each line of the file. */
export async function fundChannel(stage: Stage, offered: Offered, count: number) {
  const channel = channelFor(offered.offer, payerOf(stage, 0), 1)
  await deposit(stage, offered, channel, DEPOSIT)
  const headers = payments(offered, channel, count)
  return { channel, headers, file: await writeLines(stage, 'vouchers', headers) }
}

export async function deposit(stage: Stage, { offer }: Offered, channel: Channel, amount: bigint) {
  const { collector, ...authorization } = depositInto(offer, channel, amount)
  const data = encodeDeposit(channel.config, amount, collector, authorization)
  await send(stage, stage.relayer, data)
}

/** Sends a transaction to the escrow and waits until it is mined; returns the gas used. */
export async function send({ chain }: Stage, from: LocalAccount, data: string): Promise<bigint> {
  const hash = await chain.rpc('eth_sendTransaction', [{ from: from.address, to: chain.escrow, data }])
  for (;;) {
    const found = await chain.rpc('eth_getTransactionReceipt', [hash])
    const receipt = found as { status: string; gasUsed: string } | null
    if (receipt?.status === '0x1') return BigInt(receipt.gasUsed)
    if (receipt) throw new Error(`a transaction of the bench failed: ${hash}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export async function writeLines({ directory }: Stage, name: string, lines: string[]): Promise<string> {
  const file = join(directory, name)
  await writeFile(file, `${lines.join('\n')}\n`, 'latin1')
  return file
}

export function payerOf({ payers }: Stage, index: number): LocalAccount {
  const payer = payers[index]
  if (!payer) throw new Error('the local chain has too few accounts')
  return payer
}

/** A publisher's server with a page of 2 KB. */
async function startOrigin() {
  const body = `<!doctype html><title>An article</title>${'<p>Tally sticks were split in two.</p>'.repeat(54)}`
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'content-length': body.length }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
