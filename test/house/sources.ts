/** The files of the repository, as git has them. */
import { execFileSync } from 'node:child_process'

/** Tracked and new TypeScript files below a folder, as paths from the root. */
export function sources(...folders: string[]): string[] {
  return tracked(...folders).filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))
}

/** Tracked and new files below some folders (or all). */
export function tracked(...folders: string[]): string[] {
  const listed = execFileSync('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    ...folders,
  ])
  return [...new Set(listed.toString().split('\n').filter(Boolean))]
}
