/** Loads every module that the Worker may load in a run: a load takes real time, and a run must not wait for it. */
import { existsSync, readdirSync } from 'node:fs'

const FOLDERS = [
  'alerts',
  'app',
  'billing',
  'chain',
  'identity',
  'ledger',
  'operator',
  'paywall',
  'portal',
  'rails',
  'schemes',
  'settlement',
  'screening',
  'terms',
]

/** Loads them all from the folder `src` of one version. A folder that it lacks is left out. */
export async function preload(source: URL): Promise<void> {
  for (const folder of FOLDERS) {
    const at = new URL(`${folder}/`, source)
    if (!existsSync(at)) continue
    for (const file of readdirSync(at, { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts') && !file.endsWith('.d.ts')) await import(new URL(file, at).href)
  }
}
