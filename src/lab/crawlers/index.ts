/** The list of crawlers. A new one is a file in this folder, a line here, and its name in `crawler.ts`. */
import { budgetBurner } from './budget-burner.ts'
import { clockLiar } from './clock-liar.ts'
import type { Behaviour, CrawlerName } from './crawler.ts'
import { defaulter } from './defaulter.ts'
import { doubleSpender } from './double-spender.ts'
import { headerForger } from './header-forger.ts'
import { honest } from './honest.ts'
import { replayer } from './replayer.ts'
import { slowReader } from './slow-reader.ts'
import { withdrawalRacer } from './withdrawal-racer.ts'

/** The behaviour of each crawler. */
export const BEHAVIOURS: Readonly<Record<CrawlerName, Behaviour>> = {
  honest,
  replayer,
  'double-spender': doubleSpender,
  defaulter,
  'withdrawal-racer': withdrawalRacer,
  'header-forger': headerForger,
  'slow-reader': slowReader,
  'budget-burner': budgetBurner,
  'clock-liar': clockLiar,
}
