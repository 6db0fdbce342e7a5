/** The control: an unmodified client that buys ten pages. All of them must be served. */
import type { Behaviour } from './crawler.ts'

const PAGES = 10

/** Buys ten pages, one after another. */
export const honest: Behaviour = async ({ buy }) => {
  for (let page = 1; page <= PAGES; page++) await buy(`/page/${page}`)
}
