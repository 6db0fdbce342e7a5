import { isbot } from 'isbot'
import { describe, expect, it } from 'vitest'
import { crawlerNamed, crawlers, findCrawler, robotsOnly } from '../../src/identity/crawlers.ts'

describe('crawler table', () => {
  it('lists each crawler once, by a token that fits a User-Agent', () => {
    const names = crawlers.map(({ name }) => name.toLowerCase())
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThanOrEqual(30)
    for (const name of names) expect(name).toMatch(/^[a-z0-9._-]+$/)
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

  it('lists only names that isbot also detects', () => {
    expect(crawlers.filter(({ name }) => !isbot(`${name}/1.0`))).toEqual([])
  })
})
