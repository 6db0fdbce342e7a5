/** PaysBy once and sends the same proof again and again [A1–A5]. */
import type { Behaviour, Kit } from './crawler.ts'

const AT_ONCE = 50

/** After it the proof is outside every replay window. */
const LATER = '2h'

/**
 * Sends one proof to its own page twice and fifty times at once; to other paths, queries, methods and hosts; after the objects
 * were evicted; and after its time.
 */
export const replayer: Behaviour = async (kit) => {
  const { url, headers } = await kit.sign('/replayed')
  const again = (path: string, method = 'GET') => kit.send(path, { method, headers })
  await again('/replayed')
  await again('/replayed')
  await Promise.all(Array.from({ length: AT_ONCE }, () => again('/replayed')))
  for (const path of elsewhere(kit)) await again(path)
  for (const method of ['HEAD', 'POST', 'PUT', 'DELETE']) await again('/replayed', method)
  await kit.send('/replayed', { headers: { ...headers, 'x-forwarded-host': 'other.example' } })
  await kit.evict()
  await again('/replayed')
  await again('/another')
  await kit.advance(LATER)
  await again('/replayed')
  await kit.send(url.replace('/replayed', '/late'), { headers })
}

/** Other pages, among them other spellings of the same one. */
function elsewhere({ random }: Kit): string[] {
  const number = Math.floor(random() * 1_000_000)
  return [
    `/other/${number}`,
    `/replayed/${number}`,
    `/replayed?page=${number}`,
    '/replayed/',
    '/Replayed',
    '//replayed',
    '/%72eplayed-more',
    '/replayed%2fmore',
    '/./x/../other',
  ]
}
