/**
 * Burns each budget for what strangers can trigger: look-ups on the chain and of agents, gas for deposits of the least amount,
 * work of the origin for signatures alone; and floods [H1, H2, H4, H5, E14].
 */
import { generateKeyPairSync } from 'node:crypto'
import { BatchSettlementEvmScheme, computeChannelId } from '@x402/evm/batch-settlement/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { privateKeyToAddress } from 'viem/accounts'
import { LAB_AGENT, requestSigner, signerOf } from './clients.ts'
import type { Behaviour, Kit, PaysBy, SignedRequest } from './crawler.ts'
import {
  authorizationOf,
  bytes32,
  domainOf,
  paymentOf,
  signTransfer,
  signVoucher,
  voucherOf,
  withPayment,
} from './paper.ts'

const FLOOD = 400
/** More than the Worker looks up in a minute: channels and payers on the chain, agents in the registry. */
const STRANGERS: Readonly<Record<PaysBy, number>> = { channel: 320, exact: 320, credit: 80 }
/** Channels of the least deposit. Each costs us a transaction now, and a claim later. */
const DUST = 12
const ON_ONE_ACCOUNT = 120
/** More requests at once would be a test of this machine. */
const WAVE = 40

/** A customer before and after: its own pages must be served all the same. */
export const budgetBurner: Behaviour = async (kit) => {
  await kit.buy('/before')
  const good = await kit.sign('/good')
  await atOnce(FLOOD, (page) => kit.send(`/flood/${page}`, { headers: { 'user-agent': LAB_AGENT } }))
  // The strangers leave no look-up on the chain for them.
  if (kit.pays === 'channel') for (let number = 0; number < DUST; number++) await dust(kit)
  const strangers = { channel: strangeChannel, exact: strangePayer, credit: strangeAgent }
  const strange = { ...good, url: `${kit.url}/strange` }
  for (let first = 0; first < STRANGERS[kit.pays]; first += WAVE)
    await atOnce(WAVE, async (number) => sent(kit, await strangers[kit.pays](kit, strange, first + number)))
  await atOnce(ON_ONE_ACCOUNT, () => sent(kit, good))
  for (let page = 1; page <= 3; page++) await kit.buy(`/after/${page}`)
}

/** Opens one more channel with the least deposit, and buys one page on it. The score leaves its page out: it is paid by escrow. */
async function dust(kit: Kit): Promise<void> {
  const scheme = new BatchSettlementEvmScheme(signerOf(kit), {
    salt: bytes32(kit),
    depositStrategy: ({ requestAmount, paymentRequirements: { extra } }) => {
      const [price, least] = [BigInt(requestAmount), BigInt(String(extra?.minDeposit ?? 0))]
      return price > least ? price : least
    },
  })
  const buy = wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', scheme))
  const answer = await buy(`${kit.url}/dust`, { headers: { 'user-agent': LAB_AGENT } })
  await answer.arrayBuffer()
}

/** A signed voucher on a channel that was never funded. */
async function strangeChannel(kit: Kit, good: SignedRequest): Promise<SignedRequest> {
  const payment = paymentOf(good)
  const { network } = payment.accepted
  const channelConfig = { ...voucherOf(payment).channelConfig, salt: bytes32(kit) }
  const channelId = computeChannelId(channelConfig, network)
  const total = BigInt(payment.accepted.amount)
  const payload = await signVoucher(kit.wallet.privateKey, channelConfig, { channelId, total, network })
  return withPayment(good, { ...payment, payload })
}

/** A signed transfer of a wallet that holds nothing. */
async function strangePayer(kit: Kit, good: SignedRequest): Promise<SignedRequest> {
  const payment = paymentOf(good)
  const key = bytes32(kit)
  const authorization = { ...authorizationOf(payment), from: privateKeyToAddress(key), nonce: bytes32(kit) }
  return withPayment(good, await signTransfer(key, payment, authorization, domainOf(payment, kit)))
}

/** A signed request of an agent that the operator has not registered. */
async function strangeAgent(_: Kit, good: SignedRequest, number: number): Promise<SignedRequest> {
  const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JsonWebKey
  const name = `stranger-${number}`
  const signAs = await requestSigner({ name, key })
  const headers = { ...good.headers, 'signature-agent': `"https://${name}.example"` }
  return signAs({ ...good, headers })
}

function atOnce(count: number, work: (number: number) => Promise<unknown>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, (_, number) => work(number)))
}

function sent({ send }: Kit, { url, headers }: SignedRequest) {
  return send(url, { headers })
}
