import { describe, expect, it } from 'vitest'
import { parseRobots } from '../../../src/protocol/http/robots.ts'

/** The rules of each agent as text. */
function rules(text: string): Record<string, string[]> {
  return Object.fromEntries(
    parseRobots(text).groups.map(({ agent, rules }) => [
      agent,
      rules.map(({ isAllowed, pattern }) => `${isAllowed ? '+' : '-'}${pattern}`),
    ]),
  )
}

describe('parseRobots', () => {
  it('merges the groups of one agent, in any case', () => {
    expect(rules('User-agent: GPTBot\nDisallow: /a\n\nuser-agent: gptbot\nDISALLOW: /b')).toEqual({
      GPTBot: ['-/a', '-/b'],
    })
  })

  it('merges the second group for everybody that a managed file puts on top', () => {
    const text = 'User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n\nUser-agent: *\nDisallow: /admin/'
    expect(rules(text)).toEqual({ '*': ['+/', '-/admin/'] })
    expect(parseRobots(text).groups[0]?.others).toEqual([['content-signal', 'ai-train=no']])
  })

  it('gives the rules of a group to each of its agents', () => {
    expect(rules('User-agent: a\nUser-agent: B\nDisallow: /')).toEqual({ a: ['-/'], B: ['-/'] })
  })

  it('ends no group and no list of agents at a line of another kind', () => {
    const text = 'User-agent: a\nCrawl-delay: 5\nUser-agent: b\nSitemap: https://x.example/s.xml\nDisallow: /'
    expect(rules(text)).toEqual({ a: ['-/'], b: ['-/'] })
    expect(parseRobots(text).sitemaps).toEqual(['https://x.example/s.xml'])
  })

  it('cuts versions and a star from names', () => {
    expect(
      Object.keys(rules('User-agent: Mediapartners-Google*\nUser-agent: Bot/1.1\nUser-agent: *\nAllow: /')),
    ).toEqual(['Mediapartners-Google', 'Bot', '*'])
  })

  it('ignores comments, empty patterns, rules before an agent and lines without a colon', () => {
    expect(
      rules('Disallow: /x\n# User-agent: c\nUser-agent: a # the first\nDisallow:\nhello\nAllow: /b#c'),
    ).toEqual({
      a: ['+/b'],
    })
  })

  it.each(['\n', '\r\n', '\r'])('reads lines that end with %j, behind a byte order mark', (end) => {
    expect(rules(`\ufeffUser-agent: a${end}Disallow: /${end}`)).toEqual({ a: ['-/'] })
  })

  it('keeps lines before the first group', () => {
    expect(parseRobots('License: https://x.example/l.xml\n\nUser-agent: *\nDisallow: /').others).toEqual([
      ['license', 'https://x.example/l.xml'],
    ])
  })

  it('reads 500 KiB of a file of 10 MB', () => {
    const { groups, isCut } = parseRobots(`User-agent: *\n${'Disallow: /a\n'.repeat(800_000)}`)
    expect(isCut).toBe(true)
    expect(groups[0]?.rules.length).toBeLessThan(40_000)
  })
})
