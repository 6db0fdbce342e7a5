import { describe, expect, it } from 'vitest'
import { compileQuery } from '../../../src/config/rule/query.ts'

describe('compileQuery', () => {
  it('covers with "any" every query', () => {
    expect(compileQuery('any')).toBeUndefined()
  })

  it('covers with "none" the empty query alone', () => {
    const covers = compileQuery('none')
    expect(['', '?a', '?a=1', '?='].map((search) => covers?.(search))).toEqual([true, false, false, false])
  })

  it.each([
    '',
    '?page=2',
    '?page',
    '?sort=a&page=2',
    '?page=1&page=2',
    '?p%61ge=2',
    '?&page=2&',
    '?page=a%26p=1',
  ])('covers %j with the parameters page and sort', (search) => {
    expect(compileQuery(['page', 'sort'])?.(search)).toBe(true)
  })

  it.each([
    '?p=1',
    '?page=2&p=1',
    '?page=2;p=1',
    '?Page=2',
    '?page%00=2',
    '?page[]=2',
    '?page+=2',
    '?page%=2',
    '?%ff=1',
    '?=1',
    '??page=1',
    '?page=2&rest_route=/wp/v2/posts',
  ])('does not cover %j with the parameters page and sort [D2]', (search) => {
    expect(compileQuery(['page', 'sort'])?.(search)).toBe(false)
  })

  it('reads a + in a name as a space', () => {
    expect(compileQuery(['a b'])?.('?a+b=1&a%20b=2')).toBe(true)
  })
})
