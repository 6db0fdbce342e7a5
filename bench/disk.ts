/** Times an fsync of this disk. The local runtime waits for it on its only thread; production does not. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { median } from './rounds.ts'
import type { Stage } from './stage.ts'

const WRITES = 200

/** The median time of an fsync after writing a page, in microseconds. */
export async function fsyncTime({ directory }: Stage): Promise<number> {
  const file = await open(join(directory, 'fsync'), 'w')
  const times: number[] = []
  try {
    for (let write = 0; write < WRITES; write++) {
      await file.write(Buffer.alloc(4096, write))
      const start = performance.now()
      await file.datasync()
      times.push((performance.now() - start) * 1000)
    }
  } finally {
    await file.close()
  }
  return median(times)
}
