/** Where operators publish the addresses of their crawlers, and a copy of some lists. */
import type { CrawlerName } from '../crawlers.ts'

/** One list: its address, and the crawlers that send from it and from nowhere else. */
export type Source = { url: string; crawlers: readonly CrawlerName[] }

const GOOGLE = 'https://developers.google.com/static/crawling/ipranges'

/**
 * All have one shape: `{"prefixes":[{"ipv4Prefix":"…"},{"ipv6Prefix":"…"}]}`. Amazon states its addresses in HTML, and Meta,
 * ByteDance, xAI and Cohere publish none: nothing is refuted for them.
 *
 * Trap: name a crawler here only if its operator says that it sends from this list. Otherwise it would be refuted.
 */
export const SOURCES: readonly Source[] = [
  { url: 'https://openai.com/gptbot.json', crawlers: ['GPTBot'] },
  { url: 'https://openai.com/searchbot.json', crawlers: ['OAI-SearchBot'] },
  { url: 'https://openai.com/chatgpt-user.json', crawlers: ['ChatGPT-User'] },
  { url: 'https://openai.com/adsbot.json', crawlers: ['OAI-AdsBot'] },
  {
    url: 'https://claude.com/crawling/bots.json',
    crawlers: ['ClaudeBot', 'Claude-SearchBot', 'Claude-User'],
  },
  {
    url: `${GOOGLE}/common-crawlers.json`,
    crawlers: [
      'Googlebot',
      'Storebot-Google',
      'Google-CloudVertexBot',
      'GoogleOther',
      'Google-InspectionTool',
    ],
  },
  {
    url: `${GOOGLE}/special-crawlers.json`,
    crawlers: ['AdsBot-Google', 'Mediapartners-Google', 'APIs-Google', 'Google-Safety'],
  },
  // Both lists of fetchers cover these: which of them sends from Google's own network has changed before.
  ...['user-triggered-fetchers', 'user-triggered-fetchers-google'].map(
    (name): Source => ({
      url: `${GOOGLE}/${name}.json`,
      crawlers: ['Feedfetcher-Google', 'Google-NotebookLM', 'Google-Read-Aloud', 'Google-Site-Verification'],
    }),
  ),
  {
    url: `${GOOGLE}/user-triggered-agents.json`,
    crawlers: ['Google-Agent'],
  },
  { url: 'https://www.bing.com/toolbox/bingbot.json', crawlers: ['bingbot'] },
  { url: 'https://www.perplexity.com/perplexitybot.json', crawlers: ['PerplexityBot'] },
  { url: 'https://www.perplexity.com/perplexity-user.json', crawlers: ['Perplexity-User'] },
  { url: 'https://search.developer.apple.com/applebot.json', crawlers: ['Applebot'] },
  { url: 'https://index.commoncrawl.org/ccbot.json', crawlers: ['CCBot'] },
  { url: 'https://mistral.ai/mistralai-index-ips.json', crawlers: ['MistralAI-Index'] },
  { url: 'https://mistral.ai/mistralai-user-ips.json', crawlers: ['MistralAI-User'] },
  { url: 'https://duckduckgo.com/duckduckbot.json', crawlers: ['DuckDuckBot'] },
  { url: 'https://duckduckgo.com/duckassistbot.json', crawlers: ['DuckAssistBot'] },
  {
    url: 'https://api.ahrefs.com/v3/public/crawler-ip-ranges',
    crawlers: ['AhrefsBot', 'AhrefsSiteAudit'],
  },
]

/**
 * A part of some lists, for a Worker that has fetched none yet: the blocks of 2025 and 2026 that stayed the same for months
 * in public mirrors of the lists. An address in them confirms a claim. They are older than a week and refute nothing.
 */
export const SHIPPED: Readonly<Record<string, string>> = {
  [`${GOOGLE}/common-crawlers.json`]:
    '66.249.64.0/23 66.249.66.0/24 66.249.69.0/24 66.249.70.0/23 66.249.73.0/24 66.249.74.0/23 66.249.76.0/24',
  'https://www.bing.com/toolbox/bingbot.json':
    '13.66.139.0/24 13.66.144.0/24 40.77.139.0/25 40.77.167.0/24 40.77.177.0/24 40.77.178.0/23 40.77.188.0/22 40.77.202.0/24 52.167.144.0/24 65.55.210.0/24 157.55.39.0/24 199.30.24.0/23 207.46.13.0/24',
  'https://openai.com/gptbot.json': '20.125.66.80/28 20.171.206.0/23 52.230.152.0/24',
  'https://claude.com/crawling/bots.json': '216.73.216.0/22',
  'https://search.developer.apple.com/applebot.json':
    '17.22.237.0/24 17.22.245.0/24 17.22.253.0/24 17.241.75.0/24 17.241.219.0/24 17.241.227.0/24 17.246.15.0/24 17.246.19.0/24 17.246.23.0/24',
}
