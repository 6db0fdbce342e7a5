import { describe, expect, it } from 'vitest'
import { classify } from '../../src/identity/classify.ts'
import { CATEGORIES, crawlerNamed, crawlers, findCrawler, robotsOnly } from '../../src/identity/crawlers.ts'
import { classOf, entries, entryOf, nameOf } from './crawlers/listing.ts'
import { SEEN } from './crawlers/seen.ts'

describe('crawler table', () => {
  it('lists each crawler once, by a token that fits a User-Agent', () => {
    const names = crawlers.map(({ name }) => name.toLowerCase())
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThanOrEqual(190)
    for (const name of names) expect(name).toMatch(/^[a-z0-9._-]+(?: [a-z0-9._-]+)*$/)
  })

  it.each(crawlers.map(({ name }) => [name]))('finds %s in a User-Agent, in any case', (name) => {
    for (const userAgent of [
      `${name}/1.0`,
      `Mozilla/5.0 (compatible; ${name.toUpperCase()}/2.1; +https://x.example)`,
    ]) {
      expect(findCrawler(userAgent)?.name).toBe(name)
    }
    expect(crawlerNamed(name.toUpperCase())?.name).toBe(name)
  })

  it('finds the longer of two names that begin alike', () => {
    expect(findCrawler('Claude-SearchBot/1.0')?.name).toBe('Claude-SearchBot')
    expect(findCrawler('omgilibot/1')?.name).toBe('omgilibot')
  })

  it('finds whole words only', () => {
    for (const userAgent of ['NotGPTBot/1', 'GPTBots/1', 'x-GPTBot/1', 'Mozilla/5.0 (Devinci)', '']) {
      expect(findCrawler(userAgent)).toBeUndefined()
    }
  })

  it('omits tokens that only robots.txt uses, and lists their fetchers', () => {
    for (const [token, fetcher] of robotsOnly) {
      expect(crawlerNamed(token)).toBeUndefined()
      expect(crawlerNamed(fetcher)).toBeDefined()
    }
  })

  it('finds no name in a longer one that only begins like it', () => {
    expect(findCrawler('Diffbot-Unknown/1.0')).toBeUndefined()
    expect(findCrawler('Googlebot-Image/1.0')?.name).toBe('Googlebot')
  })

  it('finds no name that a client only compares itself with', () => {
    expect(findCrawler('AcmeReader/1.0 like Googlebot')).toBeUndefined()
    expect(findCrawler('AcmeReader/1.0 (like GPTBot) ClaudeBot/1.0')?.name).toBe('ClaudeBot')
  })

  it('maps all 17 categories of Cloudflare', () => {
    expect(CATEGORIES.size).toBe(17)
    expect(new Set(CATEGORIES.values()).size).toBe(10)
  })
})

describe('crawler-user-agents', () => {
  const strings = entries.flatMap((entry) => entry.instances.map((userAgent) => ({ entry, userAgent })))

  it('lists 2,000 crawlers, of which the classifier takes eight for readers', () => {
    const readers = strings.filter(({ userAgent }) => classified(userAgent).kind === 'reader')
    expect(strings.length).toBeGreaterThan(2000)
    expect(readers.map(({ entry }) => nameOf(entry))).toEqual([
      // Four are people's programs.
      ...['AP3A.240617.008', 'Code/1.', 'MetaIAB Facebook', 'Trae'],
      // Four are browsers' strings with a name that isbot does not list either.
      ...['Fluid', 'TSM-turingos', 'Miniature.io', 'YLT Chrome'],
    ])
  })

  it('gives every name in the generated list the class of its tags', () => {
    const wrong = SEEN.flatMap((name) => {
      const entry = entryOf(name)
      const known = crawlerNamed(name)
      return entry && known?.class === classOf(entry) ? [] : [name]
    })
    expect(wrong).toEqual([])
  })

  it('has a string in which we find each name of the generated list', () => {
    const lost = SEEN.filter(
      (name) => !entryOf(name)?.instances.some((userAgent) => findCrawler(userAgent)?.name === name),
    )
    expect(lost).toEqual([])
  })

  it('names no crawler for training or answers that our table lacks, except small ones', () => {
    const unknown = entries.filter(
      (entry) =>
        entry.tags?.includes('ai-crawler') &&
        entry.instances.length > 0 &&
        !entry.instances.some((userAgent) => findCrawler(userAgent)),
    )
    expect(unknown.map(nameOf)).toMatchInlineSnapshot(`
      [
        "Google-Extended",
        "ApifyWebsiteContentCrawler",
        "bigsur.ai",
        "Poggio-Citations",
        "Spider[sS]*spider.com",
        "ExteContextCrawl",
        "Aranet-SearchBot",
        "KunatoCrawler",
        "TerraCotta",
        "HenkBot",
        "TSM-turingos",
        "KendraBot",
        "ImageMind",
        "Novellum",
        "linkReader",
        "Spawning-AI",
        "The Knowledge AI",
      ]
    `)
  })
})

function classified(userAgent: string) {
  return classify({ userAgent, signed: false, paying: false })
}
