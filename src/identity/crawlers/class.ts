/** The purposes of crawlers. */

/**
 * Every class, each with what its crawlers collect pages for.
 *
 * - `search`: an index that people or assistants search
 * - `training`: the training of models, and data sets for it
 * - `assistant`: one person's current question
 * - `preview`: the card that a chat or a social network shows for a link
 * - `feed`: a person's feed reader
 * - `ads`: the sale and review of advertisements
 * - `monitor`: whether the site works, for its own operator
 * - `archive`: a library that keeps the web
 * - `seo`: figures about sites that are sold to others
 * - `other`: anything else
 */
export const CRAWLER_CLASSES = [
  'search',
  'training',
  'assistant',
  'preview',
  'feed',
  'ads',
  'monitor',
  'archive',
  'seo',
  'other',
] as const

/** The purpose of a crawler. */
export type CrawlerClass = (typeof CRAWLER_CLASSES)[number]

/** Cloudflare's categories of verified bots (`cf.verifiedBotCategory`), all 17 of them. */
export const CATEGORIES: ReadonlyMap<string, CrawlerClass> = new Map([
  ['Academic Research', 'archive'],
  ['Accessibility', 'monitor'],
  ['Advertising & Marketing', 'ads'],
  ['Aggregator', 'feed'],
  ['AI Assistant', 'assistant'],
  ['AI Crawler', 'training'],
  ['AI Search', 'search'],
  ['Archiver', 'archive'],
  ['Feed Fetcher', 'feed'],
  ['Monitoring & Analytics', 'monitor'],
  ['Other', 'other'],
  ['Page Preview', 'preview'],
  ['Search Engine Crawler', 'search'],
  ['Search Engine Optimization', 'seo'],
  ['Security', 'monitor'],
  ['Social Media Marketing', 'preview'],
  ['Webhooks', 'monitor'],
])
