/** A site's document over the vars of its deployment. */
import { describe, expect, it } from 'vitest'
import { judgeSite } from '../../src/config/site.ts'

const BASE = 'eip155:8453'
const POLYGON = 'eip155:137'
const VARS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: BASE,
  PRICE: '0.002',
  SCHEMES: ['exact'],
  FACILITATOR_URL: 'https://facilitator.example',
}

/** The places of the problems of a site on a network. */
function placesOn(NETWORK: string, vars: object): string[] {
  const site = { id: 'news', publisher: 'press', hosts: ['news.example.com'] }
  const terms = { ORIGIN: 'https://origin.example', NETWORK }
  const document = { ...site, via: 'hostname', mode: 'live', terms } as const
  return judgeSite({ ...VARS, ...vars })(document).problems.map(({ place }) => place)
}

describe('the network of a site', () => {
  it('must be one of its deployment, since no run would look for payments on another one', () => {
    expect(placesOn(POLYGON, {})).toEqual(['terms.NETWORK'])
    expect(placesOn(BASE, {})).toEqual([])
  })

  it('may be one that the deployment settles and does not offer by itself', () => {
    const RPC_URL = { [BASE]: 'https://node.example', [POLYGON]: 'https://other.example' }
    expect(placesOn(POLYGON, { RPC_URL })).toEqual([])
  })
})
