/** Loads every module that the Worker may load in a run: a load takes real time, and a run must not wait for it. */
import { readdirSync } from 'node:fs'

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

/** Loads them all. */
export async function preload(): Promise<void> {
  for (const folder of FOLDERS) {
    const files = readdirSync(new URL(`../src/${folder}`, import.meta.url), {
      recursive: true,
      encoding: 'utf8',
    })
    for (const file of files)
      if (file.endsWith('.ts') && !file.endsWith('.d.ts')) await import(`../src/${folder}/${file}`)
  }
}
