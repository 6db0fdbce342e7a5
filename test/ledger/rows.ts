/** Counts the rows a Durable Object writes during `act`. */
import { runInDurableObject } from 'cloudflare:test'

export async function rowsWritten<Subject extends Rpc.DurableObjectBranded>(
  stub: DurableObjectStub<Subject>,
  act: (object: Subject) => Promise<unknown>,
): Promise<number> {
  return runInDurableObject(stub, async (object, { storage }) => {
    const exec = storage.sql.exec.bind(storage.sql)
    const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []
    Object.defineProperty(storage.sql, 'exec', {
      configurable: true,
      value: (query: string, ...bound: SqlStorageValue[]) => {
        const cursor = exec(query, ...bound)
        cursors.push(cursor)
        return cursor
      },
    })
    await act(object as Subject)
    return cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0)
  })
}
