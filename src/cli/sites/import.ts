/** Brings the documents of files into the registry of a deployment: all of them, or none if one has a fault. */
import type { ApiAnswer, CallApi } from './api.ts'
import { type Difference, differences } from './diff.ts'
import { type Filed, type FiledFault, KINDS } from './documents.ts'

/** `create` and `change` write; `same` does not. */
export type Planned = Filed & {
  act: 'create' | 'change' | 'same'
  changes: Difference[]
  /** The state that the change is based on: a change by somebody else is not overwritten. */
  etag: string
  /** Whether a draft waits that this import does not change. */
  hasDraft: boolean
}

/** A version that was published. */
export type Done = { id: string; version: number; effectiveAt: number }

/** Compares each document with the registry. Faults are those that the Worker itself finds in a document. */
export async function planImport(
  call: CallApi,
  documents: readonly Filed[],
): Promise<{ planned: Planned[]; faults: FiledFault[] }> {
  const publishers = new Set(documents.filter(({ kind }) => kind === 'publishers').map(({ id }) => id))
  const planned: Planned[] = []
  const faults: FiledFault[] = []
  for (const filed of inOrder(documents)) {
    const { kind, id, file, document } = filed
    if (kind === 'sites') {
      const isAlong = publishers.has(String(document.publisher))
      const judged = await call('POST', 'sites/check', { body: document })
      // Its publisher comes with the same import, and is written first.
      const left = judged.faults.filter(({ path }) => !(isAlong && path === 'publisher'))
      faults.push(...left.map((fault) => ({ ...fault, file, id })))
    }
    planned.push(compared(filed, await call('GET', `${kind}/${encodeURIComponent(id)}`)))
  }
  return { planned, faults }
}

function compared(filed: Filed, { status, body, etag }: ApiAnswer): Planned {
  const { document } = filed
  if (status === 404) {
    const changes = differences({}, document)
    return { ...filed, act: 'create', changes, etag: '"0"', hasDraft: false }
  }
  const last = (body.draft ?? body.published ?? null) as { document: object } | null
  const { sites: _, revision: __, ...publisher } = body
  const changes = differences(filed.kind === 'sites' ? (last?.document ?? {}) : publisher, document)
  const act = changes.length > 0 ? 'change' : 'same'
  return { ...filed, act, changes, etag: etag ?? '', hasDraft: (body.draft ?? null) !== null }
}

/** Writes what was planned, publishers first. Stops at nothing: each refusal is a fault of its document. */
export async function write(call: CallApi, planned: readonly Planned[]): Promise<FiledFault[]> {
  const faults: FiledFault[] = []
  for (const { kind, id, file, document, etag, act } of planned) {
    if (act === 'same') continue
    const path = `${kind}/${encodeURIComponent(id)}`
    const answer = await call('PUT', path, { body: document, ...(etag !== '' && { ifMatch: etag }) })
    faults.push(...answer.faults.map((fault) => ({ ...fault, file, id })))
  }
  return faults
}

/** Publishes the sites that have a draft. */
export async function publish(
  call: CallApi,
  sites: readonly Pick<Filed, 'id' | 'file'>[],
  note: string | undefined,
): Promise<{ done: Done[]; faults: FiledFault[] }> {
  const done: Done[] = []
  const faults: FiledFault[] = []
  for (const { id, file } of sites) {
    const answer = await call('POST', `sites/${encodeURIComponent(id)}/publish`, {
      body: note === undefined ? {} : { note },
    })
    faults.push(...answer.faults.map((fault) => ({ ...fault, file, id })))
    const { version, effectiveAt } = answer.body
    if (answer.faults.length === 0)
      done.push({ id, version: Number(version), effectiveAt: Number(effectiveAt) })
  }
  return { done, faults }
}

function inOrder(documents: readonly Filed[]): Filed[] {
  return KINDS.flatMap((kind) => documents.filter((filed) => filed.kind === kind))
}
