/** The thread of the lab’s facilitator: upstream’s own, behind HTTP, with the faults that a tester has ordered. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { offsetOf } from '../clock.ts'
import { shiftDate } from '../shifted-date.ts'
import type { FacilitatorMessage, FacilitatorOrder, FacilitatorSetup } from './facilitator.ts'

const NETWORK = 'eip155:84532'
/** How often viem looks for a receipt. The chain mines at once. */
const POLL_MS = 10

const { offset, rpcUrl, wallet } = workerData as FacilitatorSetup
const ahead = offsetOf(offset)
shiftDate((realNow) => realNow() + ahead())

// Trap: the facilitator loads after the clock is set, because modules may keep `Date.now`.
const [{ x402Facilitator }, { toFacilitatorEvmSigner }, { ExactEvmScheme }, viem, accounts, chains] =
  await Promise.all([
    import('@x402/core/facilitator'),
    import('@x402/evm'),
    import('@x402/evm/exact/facilitator'),
    import('viem'),
    import('viem/accounts'),
    import('viem/chains'),
  ])

const account = accounts.privateKeyToAccount(wallet.privateKey)
const client = viem
  .createWalletClient({
    account,
    chain: chains.baseSepolia,
    transport: viem.http(rpcUrl),
    pollingInterval: POLL_MS,
  })
  .extend(viem.publicActions)
// Upstream's type of `verifyTypedData` is wider than viem's; it is never called.
const signer = Object.assign(client, { address: account.address }) as unknown as Parameters<
  typeof toFacilitatorEvmSigner
>[0]
const facilitator = new x402Facilitator().register(
  NETWORK,
  new ExactEvmScheme(toFacilitatorEvmSigner(signer)),
)

type Asked = { paymentPayload: PaymentPayload; paymentRequirements: PaymentRequirements }

let order: Omit<FacilitatorOrder, 'id'> = { fault: null, times: null }

const server = createServer((request, response) => {
  answer(request, response).catch((fault: unknown) => response.writeHead(500).end(String(fault)))
})
server.listen(0, '127.0.0.1', () => {
  post({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})

parentPort?.on('message', ({ id, ...next }: FacilitatorOrder) => {
  order = next
  post({ done: id })
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request) body += chunk
  const { paymentPayload, paymentRequirements } = JSON.parse(body || '{}') as Asked
  const path = request.url ?? ''
  const fault = met(path)
  if (fault === 'dead') return void response.destroy()
  if (fault === '503') return void response.writeHead(503).end()
  if (typeof fault === 'object' && fault) await new Promise((over) => setTimeout(over, fault.slowMs))
  if (path === '/settle' && fault === 'refuses')
    return send(response, { success: false, errorReason: 'unexpected_settle_error', network: NETWORK })
  if (path === '/settle' && fault === 'claims success')
    return send(response, { success: true, transaction: `0x${'11'.repeat(32)}`, network: NETWORK })
  const answers: Record<string, () => unknown> = {
    '/verify': () => facilitator.verify(paymentPayload, paymentRequirements),
    '/settle': () => facilitator.settle(paymentPayload, paymentRequirements),
    '/supported': () => facilitator.getSupported(),
  }
  const result = await answers[path]?.()
  if (path === '/settle' && fault === 'settles, then dies') return void response.destroy()
  send(response, result)
}

/** The fault that a request meets. The last three are of settlements only. */
function met(path: string): FacilitatorOrder['fault'] {
  const { fault, times } = order
  const isOfAll = fault === 'dead' || fault === '503' || typeof fault === 'object'
  if (fault === null || times === 0 || (!isOfAll && path !== '/settle')) return null
  if (times !== null) order = { fault, times: times - 1 }
  return fault
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function post(message: FacilitatorMessage): void {
  parentPort?.postMessage(message)
}
