/** The meaning of a payment, in one sentence. */
import { formatUsd } from '../../money.ts'

type Payment = {
  accepted?: { scheme?: string; network?: string; amount?: string }
  payload?: {
    type?: string
    authorization?: { value?: string }
    voucher?: { maxClaimableAmount?: string }
    deposit?: { amount?: string }
  }
}

const usd = (amount: string | undefined) => `$${formatUsd(BigInt(amount ?? 0))}`

/** Says what the person has signed. */
export function signedFor(payment: unknown): string {
  const { accepted, payload } = payment as Payment
  const { authorization, voucher, deposit } = payload ?? {}
  if (authorization)
    return `You have signed a transfer of ${usd(authorization.value)} to the publisher. The paywall sends it to the chain.`
  const total = `“Of my deposit, ${usd(voucher?.maxClaimableAmount)} is yours by now.”`
  if (deposit)
    return `You have signed a deposit of ${usd(deposit.amount)} into escrow, and a voucher: ${total}`
  if (voucher) return `You have signed a voucher: ${total} Nothing is sent to the chain.`
  return `You have signed the request itself, with a promise of ${usd(accepted?.amount)}. Your key needs no wallet: an invoice comes later.`
}
