/**
 * `npm run screenshots`: writes each page of the console as a picture, light and dark, wide and narrow. With words after it,
 * only pages whose address has one of them: `npm run screenshots -- policy sites`; `playground` stands for the playground after each
 * act. With `--docs` it writes the three pictures of
 * the README, small ones of a screen each.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openPage, signInBy, startBrowser } from './journeys/browser.ts'
import { type ConsoleStage, startConsoleStage } from './journeys/console-stage.ts'
import { act, WAY } from './journeys/playground-stage.ts'
import { endAll, start } from './journeys/start.ts'

const FOLDER = '.screenshots'
const DOCS = 'docs/images'

await rm(FOLDER, { recursive: true, force: true })
await mkdir(FOLDER)
const words = process.argv.slice(2)
const isDocs = words[0] === '--docs'
const browser = await startBrowser()
const { page } = await openPage(browser)
if (words.join() !== 'playground') await shootConsole()
if (words.length === 0 || words.includes('playground')) await shootPlayground()
await browser.close()
process.stdout.write(`Wrote ${isDocs ? DOCS : FOLDER}/\n`)

async function shootConsole(): Promise<void> {
  const stage = await startConsoleStage()
  await page.goto(`${stage.console}/sign-in`)
  await shoot('sign-in')
  await signInBy(page, stage)
  if (isDocs) await shootDocs(stage)
  else
    for (const [at, path] of stage.pages.entries()) {
      if (words.length > 0 && !words.some((word) => path.includes(word))) continue
      await page.goto(`${stage.console}${path}`)
      const name =
        path
          .split(/[/?]/)
          .slice(1, 5)
          .join('-')
          .replace(/[^\w-]/g, '')
          .slice(0, 40) || 'home'
      await shoot(`${String(at).padStart(2, '0')}-${name}`)
    }
  await stage.stop()
}

async function shootPlayground(): Promise<void> {
  const { facts } = await start({}, ['--empty'])
  await page.goto(facts.playground.url)
  for (const [at, one] of WAY.entries()) {
    await act(page, one)
    await shoot(`playground-${String(at).padStart(2, '0')}-${one.name}`)
  }
  await endAll()
}

async function shoot(name: string): Promise<void> {
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [1280, 'dark'],
    [375, 'light'],
    [375, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: join(FOLDER, `${name}-${width}-${colorScheme}.png`), fullPage: true })
  }
}

/** Home, a policy and a channel, as WebP of less than 80 kB each. */
async function shootDocs(stage: ConsoleStage): Promise<void> {
  await mkdir(DOCS, { recursive: true })
  const devtools = await page.context().newCDPSession(page)
  await page.setViewportSize({ width: 1280, height: 960 })
  for (const [name, path = '/', colorScheme] of [
    ['home', '/', 'light'],
    ['policy', '/policy/tally-and-ink', 'light'],
    ['account', stage.pages.find((one) => one.startsWith('/accounts/0x')), 'dark'],
  ] as const) {
    await page.emulateMedia({ colorScheme })
    await page.goto(`${stage.console}${path}`)
    const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 70 })
    await writeFile(join(DOCS, `${name}.webp`), Buffer.from(data, 'base64'))
  }
}
