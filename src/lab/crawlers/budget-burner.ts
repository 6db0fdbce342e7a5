/** Asks for work that costs the publisher and brings nothing: strangers’ channels, keys and agents, dust, floods [H1, H2, H4, H5, E14]. */
import { generateKeyPairSync } from 'node:crypto'
import { computeChannelId } from '@x402/evm/batch-settlement/client'
import { privateKeyToAddress } from 'viem/accounts'
import { LAB_AGENT, requestSigner } from './clients.ts'
import type { Behaviour, Kit, SignedRequest } from './crawler.ts'
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
const STRANGERS = 60
const ON_ONE_ACCOUNT = 120

/** A customer before and after: its own pages must be served all the same. */
export const budgetBurner: Behaviour = async (kit) => {
  await kit.buy('/before')
  const good = await kit.sign('/good')
  await atOnce(FLOOD, (page) => kit.send(`/flood/${page}`, { headers: { 'user-agent': LAB_AGENT } }))
  const strangers = { channel: strangeChannel, exact: strangePayer, credit: strangeAgent }
  await atOnce(STRANGERS, async (number) => sent(kit, await strangers[kit.pays](kit, good, number)))
  await atOnce(ON_ONE_ACCOUNT, () => sent(kit, good))
  for (let page = 1; page <= 3; page++) await kit.buy(`/after/${page}`)
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
