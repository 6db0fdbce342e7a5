import { describe, expect, it } from 'vitest'
import { listing } from './listing.ts'
import { SEEN } from './seen.ts'

describe('the generated list of crawlers', () => {
  it('equals what crawler-user-agents gives for the names that sites see', async () => {
    await expect(listing(SEEN)).toMatchFileSnapshot('../../../src/identity/crawlers/listed.ts')
  })
})
