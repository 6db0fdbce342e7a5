/** Spends the same money twice: one proof or one total for many pages at once, or money that is gone before it is taken [A7, A8, A11]. */
import { toClientEvmSigner } from '@x402/evm'
import { createBatchSettlementEIP3009DepositPayload } from '@x402/evm/batch-settlement/client'
import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Behaviour, Kit, SignedRequest } from './crawler.ts'
import {
  authorizationOf,
  bytes32,
  domainOf,
  paymentOf,
  signCancel,
  signTransfer,
  voucherOf,
  withPayment,
} from './paper.ts'

const AT_ONCE = 4
const DEPOSIT = 1_000_000n

const USDC = parseAbi([
  'function balanceOf(address owner) view returns (uint256)',
  'function transfer(address to, uint256 value) returns (bool)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
])

/** Every way has its own race. All start from one page that was paid for. */
export const doubleSpender: Behaviour = async (kit) => {
  await kit.buy('/first')
  const proof = await kit.sign('/proof')
  await Promise.all([proof, ...elsewhere(kit, proof)].map((request) => sent(kit, request)))
  switch (kit.pays) {
    case 'channel':
      await oneTotal(kit)
      await twoDeposits(kit)
      return
    case 'exact':
      await oneNonce(kit)
      await cancelled(kit)
      await drained(kit)
      return
    case 'credit':
      await oneSignedNonce(kit)
  }
}

/** One proof on other pages. */
function elsewhere({ url }: Kit, proof: SignedRequest): SignedRequest[] {
  return Array.from({ length: AT_ONCE }, (_, page) => ({ ...proof, url: `${url}/elsewhere/${page}` }))
}

/** Vouchers over one total, each for a page of its own: all at once, then one after another. */
async function oneTotal(kit: Kit): Promise<void> {
  await kit.buy('/again')
  const rivals: SignedRequest[] = []
  for (let page = 0; page < AT_ONCE; page++) rivals.push(await kit.sign(`/total/${page}`))
  await Promise.all(rivals.map((rival) => sent(kit, rival)))
  for (const rival of rivals) await sent(kit, rival)
}

/** Two deposits over one total, for two pages at once. */
async function twoDeposits(kit: Kit): Promise<void> {
  await kit.buy('/topped')
  const signed = await kit.sign('/deposit')
  const payment = paymentOf(signed)
  const { channelConfig, voucher } = voucherOf(payment)
  const signer = toClientEvmSigner(privateKeyToAccount(kit.wallet.privateKey))
  const deposits = await Promise.all(
    ['/deposit/1', '/deposit/2'].map(async (path) => {
      const { payload } = await createBatchSettlementEIP3009DepositPayload(
        signer,
        2,
        payment.accepted,
        channelConfig,
        `${DEPOSIT}`,
        voucher.maxClaimableAmount,
      )
      return { ...withPayment(signed, { ...payment, payload }), url: `${kit.url}${path}` }
    }),
  )
  await Promise.all(deposits.map((deposit) => sent(kit, deposit)))
}

/** Two authorizations of one nonce, for two pages at once. */
async function oneNonce(kit: Kit): Promise<void> {
  const signed = await kit.sign('/nonce/1')
  const payment = paymentOf(signed)
  const authorization = authorizationOf(payment)
  const validBefore = `${BigInt(authorization.validBefore) + 1n}`
  const second = await signTransfer(
    kit.wallet.privateKey,
    payment,
    { ...authorization, validBefore },
    domainOf(payment, kit),
  )
  const rival = { ...withPayment(signed, second), url: `${kit.url}/nonce/2` }
  await Promise.all([sent(kit, signed), sent(kit, rival)])
  await sent(kit, rival)
}

/** An authorization that is cancelled on chain: at the moment that it is sent, and before. */
async function cancelled(kit: Kit): Promise<void> {
  const raced = await kit.sign('/cancelled/at-once')
  await Promise.all([sent(kit, raced), cancel(kit, raced)])
  await sent(kit, raced)
  const before = await kit.sign('/cancelled/before')
  await cancel(kit, before)
  await sent(kit, before)
}

/** Trap: the chain refuses to cancel what was used. That is the race, and no fault of the lab. */
async function cancel(kit: Kit, signed: SignedRequest): Promise<void> {
  const payment = paymentOf(signed)
  const { nonce } = authorizationOf(payment)
  const signature = await signCancel(kit.wallet, nonce, domainOf(payment, kit))
  const args = [kit.wallet.address, nonce, signature] as const
  const data = encodeFunctionData({ abi: USDC, functionName: 'cancelAuthorization', args })
  await kit.transact(kit.chain.usdc, data).catch(() => {})
}

/** An authorization whose money is gone. The escrow holds it, so that no USDC leaves the books. */
async function drained(kit: Kit): Promise<void> {
  const { chain, wallet, rpc } = kit
  const signed = await kit.sign('/drained')
  const asked = encodeFunctionData({ abi: USDC, functionName: 'balanceOf', args: [wallet.address] })
  const left = BigInt((await rpc('eth_call', [{ to: chain.usdc, data: asked }, 'latest'])) as Hex)
  await kit.transact(
    chain.usdc,
    encodeFunctionData({ abi: USDC, functionName: 'transfer', args: [chain.escrow, left] }),
  )
  await sent(kit, signed)
}

/** Two signatures of one nonce, for two pages. */
async function oneSignedNonce(kit: Kit): Promise<void> {
  const nonce = Buffer.from(`${bytes32(kit)}${bytes32(kit)}`.replaceAll('0x', ''), 'hex').toString('base64')
  const rivals: SignedRequest[] = []
  for (const path of ['/nonce/1', '/nonce/2']) {
    rivals.push(await kit.signAs(await kit.sign(path), { nonce }))
  }
  await Promise.all(rivals.map((rival) => sent(kit, rival)))
  for (const rival of rivals) await sent(kit, rival)
}

function sent({ send }: Kit, { url, method, headers }: SignedRequest) {
  return send(url, { method, headers })
}
