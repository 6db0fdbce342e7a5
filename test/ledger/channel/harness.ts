/** A channel account by itself: real storage, and on-chain states that the test chooses. */
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import type {
  Answer,
  Charged,
  ChargeOrder,
  DepositOrder,
  Entry,
  Order,
  RefundOrder,
  Standing,
} from '../../../src/ledger/channel/types.ts'
import type { ChannelConfig, ChannelState } from '../../../src/protocol/evm/channel.ts'
import type { Hex } from '../../../src/protocol/evm/hex.ts'
import { randomHex } from '../../chain/harness.ts'

export const PRICE = 1000n

/** An on-chain state: nothing claimed or withdrawn, unless `rest` sets it. */
export function stateOf(rest: Partial<ChannelState> = {}): ChannelState {
  const quiet = { totalClaimed: 0n, withdrawRequestedAt: 0, withdrawAmount: 0n, refundNonce: 0n }
  return { balance: 100_000n, ...quiet, block: 1n, ...rest }
}

export function configOf(): ChannelConfig {
  const [payer, receiver, authorizer, token] = [0, 1, 2, 3].map(() => randomHex(20)) as [Hex, Hex, Hex, Hex]
  const parties = { payer, payerAuthorizer: payer, receiver, receiverAuthorizer: authorizer }
  return { ...parties, token, withdrawDelay: 86_400, salt: randomHex(32) }
}

/** An order to charge. The account trusts the Worker with signatures, so any will do. */
export function toCharge(max: bigint, rest: Partial<ChargeOrder> = {}): ChargeOrder {
  const signed = {
    id: `charge:${randomHex(4)}`,
    max,
    signature: `0x${max.toString(16).padStart(130, '0')}` as Hex,
  }
  return { kind: 'charge', ...signed, price: PRICE, exposure: 1_000_000n, request: 'GET /a', ...rest }
}

export function toDeposit(max: bigint, rest: Partial<DepositOrder> = {}): DepositOrder {
  const { kind: _, exposure: __, ...order } = toCharge(max)
  return { ...order, kind: 'deposit', id: `deposit:${randomHex(4)}`, ...rest }
}

export function toRefund(max: bigint, rest: Partial<RefundOrder> = {}): RefundOrder {
  return {
    kind: 'refund',
    id: `refund:${randomHex(4)}`,
    max,
    signature: randomHex(65),
    amount: null,
    ...rest,
  }
}

export type OpenChannel = Awaited<ReturnType<typeof openChannel>>

/** An open account, unless `open` is false. */
export async function openChannel({
  open = true,
  ...state
}: Partial<ChannelState> & { open?: boolean } = {}) {
  const id = randomHex(32)
  const config = configOf()
  // A stub is broken after its object was aborted: each call takes a new one.
  const account = () => env.ACCOUNT.getByName(id)
  const place = async (order: Order): Promise<Answer> => account().place(order)
  if (open) await account().open(id, config, stateOf(state))
  return {
    id,
    config,
    account,
    place,
    async standing(): Promise<Standing> {
      const standing = await account().standing()
      if (!standing) throw new Error('account must be open')
      return standing
    },
    entries: async (): Promise<Entry[]> => account().entries(0, 10_000),
    /** Charges the next voucher for `request`. */
    async charge(
      request = 'GET /a',
      rest: Partial<ChargeOrder> = {},
    ): Promise<Charged & { order: ChargeOrder }> {
      const { charged } = (await account().standing()) as Standing
      const order = toCharge(charged + PRICE, { request, ...rest })
      const answer = await place(order)
      if (answer.outcome === 'begun' || answer.outcome === 'refused')
        throw new Error(`charge outcome must be charged or replayed: ${JSON.stringify(answer.outcome)}`)
      return { ...answer, order }
    },
    /** Evicts the object: only its storage remains. */
    restart: () => evictDurableObject(account()),
    sql: <Value>(query: string) =>
      runInDurableObject(account(), (_, { storage }) => storage.sql.exec(query).toArray() as Value[]),
  }
}

export function reasonOf(answer: Answer): string {
  return answer.outcome === 'refused' ? answer.reason : `not refused but ${answer.outcome}`
}
