import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sources } from './sources.ts'

const EXPORT =
  /^export (?:default )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|type|interface|enum) /

/** Exports of a file whose line above ends no docstring. The comment that opens a file documents the file. */
function undocumented(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.flatMap((line, at) => {
    if (!EXPORT.test(line)) return []
    let above = at - 1
    while (/^(?:\/\/ |@)/.test(lines[above] ?? '')) above--
    return above > 0 && /\*\/\s*$/.test(lines[above] ?? '') ? [] : [`${file}:${at + 1} ${line}`]
  })
}

describe('Every export', () => {
  it('outside the local stack has a docstring', () => {
    const files = sources('src').filter((file) => !file.startsWith('src/testing/'))
    expect(files.flatMap(undocumented)).toEqual([])
  })
})
