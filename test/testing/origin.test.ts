import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { articlePaths, type LocalOrigin, startOrigin } from '../../src/testing/stack/origin.ts'

let site: LocalOrigin

beforeAll(async () => {
  site = await startOrigin()
})

afterAll(() => site.stop())

async function read(path: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(site.url + path, { headers })
  expect(response.status).toBe(200)
  return response.text()
}

describe('sample site', () => {
  it('has at least 40 articles, each with a title, a summary and three paragraphs', async () => {
    const paths = articlePaths()
    expect(paths.length).toBeGreaterThanOrEqual(40)
    for (const path of paths) {
      const page = await read(path)
      expect(page).toMatch(/<h1>[^<]{5,}<\/h1>\n<p class="summary">[^<]{20,}<\/p>/)
      expect(page.match(/<p>[^<]{80,}<\/p>/g)?.length, path).toBeGreaterThanOrEqual(3)
    }
  })

  it('links every article from the front page, the sitemap and the feed', async () => {
    for (const path of ['/', '/sitemap.xml', '/feed']) {
      const page = await read(path)
      for (const article of articlePaths()) expect(page).toContain(article)
    }
  })

  it('writes URLs with the forwarded host, not its own', async () => {
    const seen = { 'x-forwarded-host': 'news.example', 'x-forwarded-proto': 'https' }
    expect(await read('/robots.txt', seen)).toContain('Sitemap: https://news.example/sitemap.xml')
  })

  it('returns 404 for an unknown path', async () => {
    expect((await fetch(`${site.url}/articles/none`)).status).toBe(404)
  })
})
