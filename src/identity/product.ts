/** The name that a crawler outside the table gives itself in its User-Agent. */
import { isListedBot } from './browser.ts'

/** One word of a name: short enough to print. */
const WORD = '[A-Za-z0-9._-]{1,40}'

/** Names of several words end in what they are: "Kangaroo Bot", "Poseidon Research Crawler". */
const PHRASE =
  '[A-Za-z][A-Za-z0-9._-]{0,19}(?: [A-Za-z][A-Za-z0-9._-]{0,19}){0,3}? (?:[Bb]ot|[Cc]rawler|[Ss]pider)(?![\\w-])'

/** The first product (RFC 9110 §10.1.5), or the one after "compatible;". */
const FIRST = new RegExp(`(?:^(?!Mozilla\\b)['"]?|\\bcompatible; ?)(${PHRASE}|${WORD})`)

/** A product with a version anywhere, such as the last of "Chrome/91.0 Safari/537.36 Flyriverbot/1.1". */
const PRODUCT = /(?<![\w./@-])[A-Za-z][A-Za-z0-9._-]{0,39}(?=\/\d)/g

/** The products of browsers. */
const OF_BROWSERS =
  /^(?:Mozilla|AppleWebKit|Chrome|HeadlessChrome|Chromium|Safari|Version|Mobile|Gecko|Firefox|Edge?|EdgA|EdgiOS|OPR|CriOS|FxiOS|Ubuntu|KHTML|Electron|Build)$/

/** The word after "compatible;" in a browser. */
const COMPATIBLE_BROWSER = /^(?:MSIE|Konqueror|U)$/

/** A crawler's own name for itself: at most 40 of letters, digits, `._-` and single blanks; undefined without one. */
export function productOf(userAgent: string): string | undefined {
  const first = FIRST.exec(userAgent)?.[1]
  if (first !== undefined && !COMPATIBLE_BROWSER.test(first) && !OF_BROWSERS.test(first))
    return first.slice(0, 40)
  const products = userAgent.match(PRODUCT)?.filter((product) => !OF_BROWSERS.test(product)) ?? []
  return (
    products.find((product) => isListedBot(`${product}/1.0`)) ??
    (isListedBot(userAgent) ? products.at(-1) : undefined)
  )
}
