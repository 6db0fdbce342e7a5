/** `rebuild-book` lists the objects of a local stack and of a Cloudflare account, and sends their ids to the Worker. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { objectsAtCloudflare, objectsBelow, rebuildBook } from '../../src/cli/rebuild-book.ts'

const idOf = (digit: string) => digit.repeat(64)

async function all(pages: AsyncIterable<string[]>): Promise<string[]> {
  const ids: string[] = []
  for await (const page of pages) ids.push(...page)
  return ids
}

it('lists the objects of each class below a state folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tab402-objects-'))
  for (const [folder, name] of [
    ['do/tab402-Account', `${idOf('a')}.sqlite`],
    ['do/tab402-Account', `${idOf('a')}.sqlite-wal`],
    ['do/tab402-Account', 'metadata.sqlite'],
    ['do/tab402-CreditLine', `${idOf('c')}.sqlite`],
  ] as const) {
    await mkdir(join(root, folder), { recursive: true })
    await writeFile(join(root, folder, name), '')
  }
  expect(await all(objectsBelow(root)('Account'))).toEqual([idOf('a')])
  expect(await all(objectsBelow(root)('CreditLine'))).toEqual([idOf('c')])
  await rm(root, { recursive: true })
})

it('reads every page of objects with data from the API of Cloudflare', async () => {
  const asked: string[] = []
  const answers: Record<string, unknown> = {
    '?per_page=1000': {
      result: [
        { id: 'n1', class: 'Account', script: 'other' },
        { id: 'n2', class: 'Account', script: 'tab402' },
        { id: 'n3', class: 'Relayer', script: 'tab402' },
      ],
    },
    '/n2/objects?limit=1000': {
      result: [
        { id: idOf('a'), hasStoredData: true },
        { id: idOf('b'), hasStoredData: false },
      ],
      result_info: { cursor: 'next' },
    },
    '/n2/objects?limit=1000&cursor=next': { result: [{ id: idOf('c'), hasStoredData: true }] },
  }
  const list = objectsAtCloudflare({
    account: 'acc',
    key: 'key',
    script: 'tab402',
    fetch: async (url) => {
      const path = String(url).split('/namespaces')[1] ?? ''
      asked.push(path)
      return Response.json(answers[path])
    },
  })
  expect(await all(list('Account'))).toEqual([idOf('a'), idOf('c')])
  expect(asked).toEqual(Object.keys(answers))
})

it('sends at most 100 ids at once, and exits with 1 when an object did not respond', async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const sizes: number[] = []
  const code = await rebuildBook(
    async function* (name) {
      if (name === 'Account') yield Array(250).fill(idOf('a'))
    },
    {
      url: 'https://site.example',
      token: 't',
      fetch: async (_, init) => {
        const { objects } = JSON.parse(String(init?.body)) as { objects: string[] }
        sizes.push(objects.length)
        return Response.json({ listed: objects.length - 1, empty: 0, silent: 1 })
      },
    },
  )
  expect([sizes, code]).toEqual([[100, 100, 50], 1])
  vi.restoreAllMocks()
})
