/** Reads byte by byte and hangs up: before the answer, at its head, after its first byte [E5, H3]. */
import type { Behaviour, HangUp, Kit, Page, SignedRequest } from './crawler.ts'

const HANG_UPS: readonly HangUp[] = ['sent', 'head', 1, 'never']

/** Readers that hold a connection at once. */
const AT_ONCE = 20

/** An earlier request with the same proof may still be at work. */
const TRIES = 20
const PAUSE_MS = 50

/** Each page that was left is fetched again with the same proof, which must cost nothing more. */
export const slowReader: Behaviour = async (kit) => {
  for (const hangUp of HANG_UPS) {
    // The upstream client learns its total again: it has not seen the receipt that was left.
    await kit.buy(`/before/${hangUp}`)
    const proof = await kit.sign(`/left/${hangUp}`)
    await kit.sip(proof, hangUp)
    await comeBack(kit, proof)
    await kit.sip(proof, 'never')
  }
  await kit.buy('/before/many')
  const proof = await kit.sign('/many')
  await comeBack(kit, proof)
  await Promise.all(Array.from({ length: AT_ONCE }, (_, reader) => kit.sip(proof, reader % 2 ? 'head' : 1)))
}

/** Sends the proof again until it is answered for good. */
async function comeBack({ send }: Kit, { url, headers }: SignedRequest): Promise<Page> {
  for (let tries = 1; ; tries++) {
    const page = await send(url, { headers })
    if (page.status !== 503 || tries === TRIES) return page
    await new Promise((over) => setTimeout(over, PAUSE_MS))
  }
}
