/** The crawlers of the lab that have a button. Those that need the lab's clock have none. */
import type { CrawlerName } from '../../lab/crawlers/crawler.ts'
import type { Misbehaving } from './calls.ts'

/** In the order of the buttons. */
export const MISBEHAVING: readonly (Misbehaving & { is: CrawlerName })[] = [
  {
    is: 'honest',
    title: 'Honest crawler',
    does: 'Buys ten pages and pays for each. The others are compared with it.',
  },
  {
    is: 'replayer',
    title: 'Replayer',
    does: 'Pays once, then sends the same proof again: fifty times at once, for other pages and by other methods.',
  },
  {
    is: 'double-spender',
    title: 'Double-spender',
    does: 'Uses one proof for many pages at once, and pays with money that is gone before it is taken.',
  },
  {
    is: 'header-forger',
    title: 'Header forger',
    does: 'Forges signatures, amounts, receivers and headers, and spells paths in other ways.',
  },
  {
    is: 'slow-reader',
    title: 'Slow reader',
    does: 'Reads byte by byte and hangs up in the middle. It still pays for what it got.',
  },
]
