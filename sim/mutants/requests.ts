/** Mutants of a paid request on its way: gate, sale and schemes. */
import type { Mutant } from '../mutant.ts'

/** See {@link Mutant}. */
export const REQUEST_MUTANTS: readonly Mutant[] = [
  {
    id: 'unknown-is-no',
    file: '/src/paywall/gate.ts',
    from: "return refuse('ledger_unavailable')",
    to: "return refuse('payment_required')",
    by: 'I5',
  },
  {
    id: 'serves-refused-payments',
    file: '/src/paywall/sale.ts',
    from: 'if (!begun.ok) {\n      giveUp()\n      return begun\n    }',
    to: 'if (!begun.ok) return accept({ answer: await this.#buy(), receipt: null })',
    by: 'I4',
  },
  {
    id: 'keeps-charges-of-failed-pages',
    file: '/src/paywall/sale.ts',
    from: 'const receipt = await charge.release().catch((fault) => this.#unsent(got.value, fault))',
    to: 'const receipt = null',
    by: 'I5',
  },
  {
    id: 'keeps-charges-of-dead-origins',
    file: '/src/paywall/sale.ts',
    from: 'const kept = await charge.release()',
    to: 'const kept = null',
    by: 'I5',
  },
  {
    id: 'pending-is-failed',
    file: '/src/schemes/channel/purchase.ts',
    from: "case 'pending':\n        return refuse('outcome_unknown', { detail: outcome.hash })\n      case 'declined':\n        await this.#account().resolve(id, null)\n        return declined(outcome, 'deposit')",
    to: "case 'declined':\n        await this.#account().resolve(id, null)\n        return declined(outcome, 'deposit')",
    by: 'I9',
  },
  {
    id: 'resolves-what-is-pending',
    file: '/src/schemes/channel/purchase.ts',
    from: "if (outcome.status === 'pending') return false",
    to: '',
    by: 'I6',
    among: { channels: 2, exacts: 0, credits: 0 },
  },
  {
    id: 'skips-voucher-signatures',
    file: '/src/schemes/channel/scheme.ts',
    from: 'if (!signedBy(voucherDigest(voucher, chainId, escrow), voucher.signature, config.payerAuthorizer)) {',
    to: 'if (voucher.signature.length < 9) {',
    by: 'I14',
  },
  {
    id: 'reads-an-older-block',
    file: '/src/schemes/channel/purchase.ts',
    from: 'if (state && state.block >= block) return state',
    to: 'if (state) return state',
    by: null,
    why: 'the account is read again as soon as a voucher exceeds its escrow',
  },
  {
    id: 'no-second-call',
    file: '/src/platform/retry.ts',
    from: 'return call()\n  }',
    to: 'throw fault\n  }',
    by: null,
    why: 'the client is answered 503 and sends the same request again',
  },
]
