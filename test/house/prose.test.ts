import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { tracked } from './sources.ts'

/** Phrases and shapes that house rules ban from everything a person reads: see CONTRIBUTING.md. */
const BANNED: readonly (readonly [rule: string, pattern: RegExp])[] = [
  [
    'say what must be, not what something is not',
    /\b(?:is|are|was|were|be|has|have|had) no (?!longer\b|more\b|less\b|fewer\b|other\b|earlier\b|later\b)[a-z]/,
  ],
  ['name the actor', /\b(?:whoever|nobody|of whom|none such|none is to be had|hearsay)\b/i],
  [
    // The titles, captions and hints of a page need not be sentences.
    'begin with the subject, not with What, Who or Of',
    /(?:^|[.:;!?] |\* |\/\/ |\/\*\* |# |\| |(?<!\b(?:title|caption|hint)=\{?)['"`])(?:What|Who|Whom|Whose|Of) [a-z](?![^.]*\?)/,
  ],
  [
    'machines return, reject, store; they do not hear, tell, believe, remember or sleep',
    /\b(?:hears?|heard|tells?|told|untold|believes?|believed|remembers?|remembered|forgets|forgot|forgotten|sleeps|asleep|dies|died)\b/,
  ],
  ['say who does it', /\b(?:is|are|was|were) to be [a-z]/],
  ['the nightly run', /\b(?:[Tt]he|[Aa]|[Ee]ach|[Ee]very|[Oo]ne) night(?:'s|s)?\b(?! \(|ly)/],
  ['the read model', /\b(?:the|our|its) book\b/],
]

/** Lines that may stay, each with its reason. */
const ALLOWED: readonly (readonly [line: RegExp, reason: string])[] = [
  [/\bheard\b/, '`heard` is a table and a column of D1 (migrations/0004_heard.sql)'],
  [/settles, then dies/, 'a fault of `lab.fail.facilitator`, by its name'],
  [/['"`]told['"`]|`told`/, '`told` is a kind of journal entry; a stored name stays'],
  [/publishers get paid every night|settle every night|settles? .* every night/, 'the slogan'],
]

const files = tracked('src', 'docs', 'examples', 'test', 'bench', 'sim', '*.md', 'wrangler.toml').filter(
  (file) =>
    /\.(?:tsx?|md|toml|css|html)$/.test(file) &&
    !file.startsWith('examples/site/') &&
    file !== 'test/house/prose.test.ts',
)

function folderOf(file: string): string {
  return file.split('/').slice(0, 2).join('/')
}

const found = files.flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, at) =>
      BANNED.filter(([, pattern]) => pattern.test(line))
        .filter(() => !ALLOWED.some(([allowed]) => allowed.test(line)))
        .map(([rule]) => ({ file, text: `${file}:${at + 1} ${rule}: ${line.trim().slice(0, 120)}` })),
    ),
)

describe('Prose', () => {
  it.each([...new Set(files.map(folderOf))])('in %s has no banned phrase', (folder) => {
    expect(found.filter(({ file }) => folderOf(file) === folder).map(({ text }) => text)).toEqual([])
  })
})
