/** The requests of one arrival, by the name of its crawler. */
import type { Kit } from '../../lab/crawlers/crawler.ts'
import { headerForgeries, termForgeries } from '../../lab/crawlers/forgeries/headers.ts'
import type { SwarmCrawler } from './mix.ts'

const TIMES = 3

/** Each ends when its last answer has been read. All ask for one page. */
export const STEPS: Readonly<Record<SwarmCrawler, (kit: Kit) => Promise<unknown>>> = {
  honest: ({ buy }) => buy(''),

  // A purchase first: the client has not seen the receipts of the proofs that were sent past it.
  async replayer({ buy, sign, send }) {
    await buy('')
    const { headers } = await sign('')
    await Promise.all(Array.from({ length: TIMES }, () => send('', { headers })))
  },

  async slow({ buy, sign, sip }) {
    await buy('')
    await sip(await sign(''), 'never')
  },

  async forger({ sign, send, random }) {
    const signed = await sign('')
    const forged = [...headerForgeries(signed), ...termForgeries(signed)]
    const { headers } = (forged[Math.floor(random() * forged.length)] ?? { request: signed }).request
    await send('', { headers })
  },
}
