/** The unmodified upstream client and facilitator work with our contracts as with the deployed ones. */

import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { createBatchSettlementEIP3009DepositPayload, signVoucher } from '@x402/evm/batch-settlement/client'
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/facilitator'
import { ExactEvmScheme as ExactClient } from '@x402/evm/exact/client'
import { ExactEvmScheme as ExactFacilitator } from '@x402/evm/exact/facilitator'
import { type Abi, createWalletClient, http, publicActions, type VerifyTypedDataParameters } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import { USDC } from '../../src/testing/chain/chain.ts'
import { balanceOf, type Rig, readChannel, receiptOf, startRig } from './harness.ts'
import { channelId, makeConfig } from './paper.ts'

const NETWORK = 'eip155:84532'

let rig: Rig
let batch: BatchSettlementEvmScheme
let exact: ExactFacilitator
let payer: ReturnType<typeof privateKeyToAccount>

beforeAll(async () => {
  rig = await startRig()
  const signer = facilitatorSigner(rig)
  batch = new BatchSettlementEvmScheme(signer, privateKeyToAccount(rig.authorizer.privateKey))
  exact = new ExactFacilitator(signer)
  payer = privateKeyToAccount(rig.payer.privateKey)
})
afterAll(() => rig.chain.stop())

/** The signer that upstream's documentation builds: a viem client with a key. */
function facilitatorSigner(rig: Rig) {
  const account = privateKeyToAccount(rig.stranger.privateKey)
  const transport = http(rig.chain.rpcUrl)
  const client = createWalletClient({ account, chain: baseSepolia, transport, pollingInterval: 20 }).extend(
    publicActions,
  )
  return toFacilitatorEvmSigner({
    address: account.address,
    readContract: (call) => client.readContract({ ...call, abi: call.abi as Abi }),
    writeContract: (call) => client.writeContract({ ...call, abi: call.abi as Abi }),
    verifyTypedData: (data) => client.verifyTypedData(data as VerifyTypedDataParameters),
    sendTransaction: (transaction) => client.sendTransaction(transaction),
    waitForTransactionReceipt: ({ hash }) => receiptOf(rig, hash),
    getCode: (of) => client.getCode(of),
  })
}

function requirements(scheme: string): PaymentRequirements {
  return {
    scheme,
    network: NETWORK,
    amount: '1000',
    asset: USDC,
    payTo: rig.receiver.address,
    maxTimeoutSeconds: 300,
    extra: { name: 'USDC', version: '2', receiverAuthorizer: rig.authorizer.address, withdrawDelay: 900 },
  }
}

function wrap(payload: object, scheme = 'batch-settlement'): PaymentPayload {
  return { x402Version: 2, payload: { ...payload }, accepted: requirements(scheme) }
}

async function depositPayload(config: ChannelConfig, amount: string): Promise<PaymentPayload> {
  const terms = requirements('batch-settlement')
  const { payload } = await createBatchSettlementEIP3009DepositPayload(
    payer,
    2,
    terms,
    config,
    amount,
    '1000',
  )
  return wrap(payload)
}

/** A channel with 5,000 in it, and the voucher for a total as one row of a claim. */
async function openUpstream() {
  const config = makeConfig(rig)
  await batch.settle(await depositPayload(config, '5000'), requirements('batch-settlement'))
  const voucherFor = async (total: string) => {
    const voucher = await signVoucher(payer, channelId(config), total, NETWORK)
    const row = {
      voucher: { channel: config, maxClaimableAmount: total },
      signature: voucher.signature,
      totalClaimed: total,
    }
    return { voucher, row }
  }
  return { config, id: channelId(config), voucherFor }
}

it('the upstream facilitator verifies and settles the upstream client’s deposit', async () => {
  const config = makeConfig(rig)
  const payment = await depositPayload(config, '5000')
  expect(await batch.verify(payment, requirements('batch-settlement'))).toMatchObject({ isValid: true })
  expect(await batch.settle(payment, requirements('batch-settlement'))).toMatchObject({
    success: true,
    amount: '5000',
  })
  expect(await readChannel(rig, channelId(config))).toMatchObject({ balance: 5_000n, totalClaimed: 0n })
})

it('the upstream facilitator verifies the upstream client’s voucher', async () => {
  const { config, voucherFor } = await openUpstream()
  const { voucher } = await voucherFor('1000')
  const payment = wrap({ type: 'voucher', channelConfig: config, voucher })
  expect(await batch.verify(payment, requirements('batch-settlement'))).toMatchObject({
    isValid: true,
    extra: { balance: '5000', totalClaimed: '0', withdrawRequestedAt: 0, refundNonce: '0' },
  })
})

it('the upstream facilitator claims the upstream client’s voucher', async () => {
  const { id, voucherFor } = await openUpstream()
  const { row } = await voucherFor('1000')
  const answer = await batch.settle(wrap({ type: 'claim', claims: [row] }), requirements('batch-settlement'))
  expect(answer).toMatchObject({ success: true })
  expect(await readChannel(rig, id)).toMatchObject({ balance: 5_000n, totalClaimed: 1_000n })
})

it('the upstream facilitator sweeps the claimed amount to the receiver', async () => {
  const { voucherFor } = await openUpstream()
  const sweep = wrap({ type: 'settle', receiver: rig.receiver.address, token: USDC })
  await batch.settle(
    wrap({ type: 'claim', claims: [(await voucherFor('700')).row] }),
    requirements('batch-settlement'),
  )
  const before = await balanceOf(rig, rig.receiver.address)
  const answer = await batch.settle(sweep, requirements('batch-settlement'))
  const swept = BigInt(answer.amount ?? 0)
  expect(swept).toBeGreaterThanOrEqual(700n)
  expect(await balanceOf(rig, rig.receiver.address)).toBe(before + swept)
})

it('the upstream facilitator claims an outstanding voucher and refunds the rest in one transaction', async () => {
  const { config, id, voucherFor } = await openUpstream()
  const { voucher, row } = await voucherFor('1000')
  const refund = {
    type: 'refund',
    channelConfig: config,
    voucher,
    amount: '4000',
    refundNonce: '0',
    claims: [row],
  }
  const answer = await batch.settle(wrap(refund), requirements('batch-settlement'))
  expect(answer).toMatchObject({ success: true, amount: '4000' })
  expect(await readChannel(rig, id)).toMatchObject({ balance: 1_000n, totalClaimed: 1_000n, nonce: 1n })
})

it('the upstream facilitator verifies and settles the upstream exact client’s payment', async () => {
  const terms = requirements('exact')
  const { payload } = await new ExactClient(payer).createPaymentPayload(2, terms)
  const payment = wrap(payload, 'exact')
  const before = await balanceOf(rig, rig.receiver.address)
  expect(await exact.verify(payment, terms)).toMatchObject({ isValid: true })
  expect(await exact.settle(payment, terms)).toMatchObject({ success: true })
  expect(await balanceOf(rig, rig.receiver.address)).toBe(before + 1_000n)
})
