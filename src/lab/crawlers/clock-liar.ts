/** Lies about time: proofs that are not valid yet, lapsed, or valid too long; and good ones after their time [A5, A9]. */
import type { Behaviour, Kit, SignedRequest } from './crawler.ts'
import { authorizationOf, domainOf, paymentOf, signTransfer, withPayment } from './paper.ts'

/** A replay window, and a moment more. */
const WINDOW = '601s'
/** Further ahead than any clock may be. */
const AHEAD_SECONDS = 120
const YEAR_SECONDS = 31_536_000

/** A good proof within and after its window, then the lies of its way to pay. */
export const clockLiar: Behaviour = async (kit) => {
  await kit.buy('/first')
  const proof = await kit.sign('/proof')
  await sent(kit, proof)
  await kit.advance('540s')
  await sent(kit, proof)
  await kit.advance('62s')
  await sent(kit, proof)
  if (kit.pays === 'exact') await transfers(kit)
  if (kit.pays === 'credit') await commitments(kit)
  const late = await signedAnew(kit, '/late')
  await kit.advance(WINDOW)
  await sent(kit, late)
  await kit.buy('/last')
}

/** Authorizations with other bounds. */
async function transfers(kit: Kit): Promise<void> {
  const now = BigInt(Math.floor(Date.now() / 1000))
  const lies: [string, bigint, bigint][] = [
    ['early', now + BigInt(AHEAD_SECONDS), now + 600n],
    ['lapsed', 0n, now - 1n],
    ['lapsing', 0n, now + 4n],
    ['inverted', now + 600n, now - 600n],
    ['long lapsed', 0n, 1n],
  ]
  for (const [name, validAfter, validBefore] of lies) {
    const signed = await kit.sign(`/${name.replace(' ', '-')}`)
    const payment = paymentOf(signed)
    const authorization = {
      ...authorizationOf(payment),
      validAfter: `${validAfter}`,
      validBefore: `${validBefore}`,
    }
    const lie = await signTransfer(kit.wallet.privateKey, payment, authorization, domainOf(payment, kit))
    await sent(kit, withPayment(signed, lie))
  }
}

/** Signatures with other bounds. */
async function commitments(kit: Kit): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const lies = {
    early: { created: now + AHEAD_SECONDS, expires: now + AHEAD_SECONDS + 60 },
    lapsed: { created: now - 61, expires: now - 1 },
    long: { created: now, expires: now + 301 },
    year: { created: now, expires: now + YEAR_SECONDS },
  }
  for (const [name, signing] of Object.entries(lies))
    await sent(kit, await kit.signAs(await kit.sign(`/${name}`), signing))
}

/** On a channel the client learns its total again: it has not seen the receipt of what it sent itself. */
async function signedAnew(kit: Kit, path: string): Promise<SignedRequest> {
  await kit.buy('/again')
  return kit.sign(path)
}

function sent({ send }: Kit, { url, headers }: SignedRequest) {
  return send(url, { headers })
}
