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
]
