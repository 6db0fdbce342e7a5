/** The list of crawlers. A new one is a file in this folder, a line here, and its name in `crawler.ts`. */
import type { Behaviour, CrawlerName } from './crawler.ts'
import { honest } from './honest.ts'
import { replayer } from './replayer.ts'
import { withdrawalRacer } from './withdrawal-racer.ts'

/** The behaviour of each crawler. */
export const BEHAVIOURS: Readonly<Record<CrawlerName, Behaviour>> = {
  honest,
  replayer,
  'withdrawal-racer': withdrawalRacer,
}
