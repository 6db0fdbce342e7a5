/** The unmodified upstream facilitator behind HTTP, called by our remote facilitator. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { x402Facilitator } from '@x402/core/facilitator'
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme as ExactEvmClient } from '@x402/evm/exact/client'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import { createWalletClient, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { ExactPayment } from '../../src/chain/facilitator/facilitator.ts'
import { type RemoteFacilitator, remote } from '../../src/chain/facilitator/remote.ts'
import type { Chain } from '../../src/chain/rpc.ts'
import { readBalance } from '../../src/chain/token.ts'
import { type Address, type Hex, toHex } from '../../src/protocol/evm/hex.ts'

const NETWORK = 'eip155:84532'
const [local] = inject('chains')
if (!local) throw new Error('the journey needs a chain')
const { rpcUrl, usdc, escrow, collector, accounts } = local
const chain: Chain = { network: NETWORK, chainId: 84532, rpcUrl, token: usdc, escrow, collector }
const [payer, gasPayer] = accounts

let server: Server
let facilitator: RemoteFacilitator

beforeAll(async () => {
  server = await serve(upstream())
  const { port } = server.address() as AddressInfo
  facilitator = remote({ url: `http://127.0.0.1:${port}`, chain })
})

afterAll(() => {
  server.close()
  server.closeAllConnections()
})

function upstream(): x402Facilitator {
  const account = privateKeyToAccount(gasPayer?.privateKey ?? '0x')
  const wallet = createWalletClient({ account, chain: baseSepolia, transport: http(rpcUrl) })
  const client = Object.assign(wallet.extend(publicActions), { address: account.address })
  // Upstream's type of `verifyTypedData` is wider than viem's; it is never called.
  const signer = client as unknown as Parameters<typeof toFacilitatorEvmSigner>[0]
  return new x402Facilitator().register(NETWORK, new ExactEvmScheme(toFacilitatorEvmSigner(signer)))
}

type Asked = { paymentPayload: PaymentPayload; paymentRequirements: PaymentRequirements }

async function serve(behind: x402Facilitator): Promise<Server> {
  const made = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { paymentPayload, paymentRequirements } = JSON.parse(body || '{}') as Asked
    const answers: Record<string, () => unknown> = {
      '/verify': () => behind.verify(paymentPayload, paymentRequirements),
      '/settle': () => behind.settle(paymentPayload, paymentRequirements),
      '/supported': () => behind.getSupported(),
    }
    response.end(JSON.stringify(await answers[request.url ?? '']?.()))
  })
  await new Promise<void>((ready) => made.listen(0, '127.0.0.1', ready))
  return made
}

/** A payment by the unmodified client. */
async function pay(to: Address, amount: bigint): Promise<ExactPayment> {
  const requirements = {
    scheme: 'exact',
    network: NETWORK,
    amount: amount.toString(),
    asset: usdc,
    payTo: to,
    maxTimeoutSeconds: 300,
    extra: { name: 'USDC', version: '2' },
  } as const
  const client = new ExactEvmClient(privateKeyToAccount(payer?.privateKey ?? '0x'))
  const { payload } = await client.createPaymentPayload(2, requirements)
  const { authorization, signature } = payload as { authorization: Record<string, string>; signature: Hex }
  return {
    network: NETWORK,
    token: usdc,
    from: authorization.from?.toLowerCase() as Address,
    to,
    value: amount,
    validAfter: BigInt(authorization.validAfter ?? 0),
    validBefore: BigInt(authorization.validBefore ?? 0),
    nonce: authorization.nonce as Hex,
    signature,
    wire: { version: 2, payload: { x402Version: 2, payload, accepted: requirements }, requirements },
  }
}

const someone = () => toHex(crypto.getRandomValues(new Uint8Array(20)))

describe('upstream facilitator', () => {
  it('supports exact on our network', async () => {
    const kinds = await facilitator.supported()
    expect(kinds).toContainEqual({ x402Version: 2, scheme: 'exact', network: NETWORK })
  })

  it('verifies and settles a payment, which our own node confirms', async () => {
    const receiver = someone()
    const payment = await pay(receiver, 1_500n)
    expect(await facilitator.verify(payment)).toEqual({ ok: true, value: null })
    const settled = await facilitator.settle(payment, 'one')
    expect(settled).toMatchObject({ status: 'settled' })
    expect(await readBalance(chain, receiver)).toBe(1_500n)
    expect(await facilitator.lookup(payment, 'one')).toEqual(settled)
  })

  it('settles a payment once, and a second call returns the first transfer', async () => {
    const receiver = someone()
    const payment = await pay(receiver, 1_500n)
    const first = await facilitator.settle(payment, 'two')
    expect(await facilitator.settle(payment, 'two')).toEqual(first)
    expect(await readBalance(chain, receiver)).toBe(1_500n)
  })

  it('refuses more than the payer holds with a reason that we map', async () => {
    const payment = await pay(someone(), 10n ** 15n)
    const verdict = await facilitator.verify(payment)
    expect(verdict).toMatchObject({ refusal: { reason: 'exact_insufficient_funds' } })
    expect(await facilitator.settle(payment, 'three')).toMatchObject({ status: 'refused' })
  })

  it('refuses a payment with another signature with a reason that we map', async () => {
    const payment = await pay(someone(), 1_500n)
    const other = await pay(someone(), 1_500n)
    const { payload, requirements } = payment.wire as { payload: { payload: object }; requirements: unknown }
    const forged = { ...payload, payload: { ...payload.payload, signature: other.signature } }
    const verdict = await facilitator.verify({
      ...payment,
      wire: { version: 2, payload: forged, requirements },
    })
    expect(verdict).toMatchObject({ refusal: { reason: 'exact_signature' } })
  })
})
