import { describe, expect, it } from 'vitest'
import { bodyOf } from './bodies.ts'
import { type Answers, browse } from './edge.ts'

const PAGE = '/accounts/acme/entries/2'
const STATED = { agent: 'acme', period: { id: '2026-11' }, first: 1, last: 9 }

/** The page of an entry, with the answers to the list of statements and to the proof. */
async function pageWith(statements: ReturnType<Answers>, proof?: ReturnType<Answers>): Promise<string> {
  const { get } = browse((order) =>
    order.path.includes('/proofs/')
      ? proof
      : order.path.startsWith('/statements')
        ? statements
        : bodyOf(order),
  )
  return (await get(PAGE)).text()
}

describe('the page of an entry on credit', () => {
  it('has the leaf of the entry in its statement', async () => {
    const leaf = { index: 1, size: 9, path: [] }
    const text = await pageWith({ statements: [STATED], next: null }, leaf)
    expect(text).toContain('Statement 2026-11 has this entry as leaf 2 of 9')
  })

  it('says that the entry is not stated yet where no statement covers it', async () => {
    const text = await pageWith({ statements: [], next: null })
    expect(text).toContain('No statement has this entry yet')
  })

  it('shows the problem where the statements cannot be read, and no claim about them', async () => {
    const text = await pageWith('forbidden')
    expect(text).toContain('Not allowed')
    expect(text).not.toContain('No statement has this entry yet')
  })

  it('shows the problem where the proof cannot be read, and no claim about it', async () => {
    const text = await pageWith({ statements: [STATED], next: null })
    expect(text).toContain('Not found')
    expect(text).not.toContain('No statement has this entry yet')
  })
})
