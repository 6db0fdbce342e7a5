/** The terms that a Worker may state in code: the same as the vars of docs/policy.md, as types that an editor completes. */
import type { CrawlerClass, CrawlerName } from '../identity/crawlers.ts'
import type { SchemeName } from '../schemes/index.ts'
import type { TermsName } from '../terms/names.ts'

type OneOrMore<Item> = Item | readonly Item[]

/** The clients that a rule covers. `agent:NAME` covers a crawler outside our table. */
export type ClientSelector =
  | 'crawlers'
  | 'readers'
  | 'everyone'
  | CrawlerClass
  | CrawlerName
  | `agent:${string}`

type Covers = {
  /** A pattern such as `/articles/*`; every path where it is absent. */
  path?: string
  /** `none`: without a query; `any`: whatever it is. `none` where an `allow` leaves it out, `any` with other actions. */
  query?: 'none' | 'any'
  method?: OneOrMore<'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'>
  /** `crawlers` where it is absent. */
  who?: OneOrMore<ClientSelector>
  /** How long ago the page was published, in whole hours or days: `{ under: '24h' }`, `{ over: '30d' }`. DATES says how it is known. */
  age?: { under?: string; over?: string }
  /** Only crawlers whose name a signature, their operator's addresses or Cloudflare proves. */
  verified?: true
  /** Where the request comes from: ISO 3166 codes, `T1` for Tor, `none` where Cloudflare names no country. */
  country?: OneOrMore<string>
}

/** Charges what it covers. */
export type ChargeRule = Covers & {
  action: 'charge'
  /** USD as a decimal, such as `0.002`, or `origin`: the origin states it for each page. PRICE where it is absent. */
  price?: string
  /** With price `origin`: the least and the most that a crawler pays, USD. */
  min?: string
  max?: string
  /** The price is a ceiling: the origin may ask for less on its answer. Not with scheme `exact`. */
  final?: 'origin'
  /** Pages that a crawler whose name is confirmed gets free each day (UTC). */
  free?: { pages: number; per: 'day' }
  /** Opens the pages of `path` to its payer for `lasts`, bought under an address of its own. */
  pass?: { price: string; lasts: string; path: string }
  /** Prices per agent and month, on credit: from page number `from` on. */
  steps?: readonly { from: number; price: string }[]
  /** A page paid for by a payer is free again for it this long, in whole hours or days of at most 30: `24h`. */
  recrawl?: string
  /** The preferred one first; SCHEMES where it is absent. */
  schemes?: OneOrMore<SchemeName>
}

/** The terms of a charge, which no other rule has. */
type Unpriced = { [Term in Exclude<keyof ChargeRule, keyof Covers | 'action'>]?: never }

/** Lets through or rejects what it covers. A price must be absent. */
export type FreeRule =
  | (Covers & { action: 'block' } & Unpriced)
  | (Omit<Covers, 'query'> & {
      action: 'allow'
      /** A list covers queries of these parameters alone. `none` where it is absent. */
      query?: 'none' | 'any' | readonly string[]
    } & Unpriced)

/** One rule of a policy. The first rule that covers a request decides. */
export type PolicyRule = ChargeRule | FreeRule

/**
 * Vars that one use of the middleware may state in code; each takes the place of the var of the same name.
 *
 * @example
 * paywall({ PRICE: '0.002', RULES: [{ action: 'allow', who: 'search', path: '/sections/*' }] })
 */
export type Terms = {
  /** Prices agreed with one crawler, by its name or the https URL of a signing agent, up to a day. */
  CONTRACTS?: Readonly<Record<string, { price: string; until: string }>>
  /** How the dates of pages are known, for rules with `age`. */
  DATES?: { pattern?: string; zone?: string; sitemap?: OneOrMore<string>; origin?: boolean }
  /** USD as a decimal, at least `0.000001`. */
  PRICE?: string
  /** The preferred scheme first. */
  SCHEMES?: OneOrMore<SchemeName>
  RULES?: readonly PolicyRule[]
  /** Rules behind your own: `publisher`, `api` or `none`. */
  PRESET?: 'none' | 'publisher' | 'api'
  /** Path patterns that are always free without a query. A `*` stays within one segment, `**` stands for any folders. */
  SITEMAP?: OneOrMore<string>
  /** The documents that state the terms to machines; none where it is absent. */
  TERMS?: readonly TermsName[]
  /** `literal` where your server takes every byte of a path as it stands. */
  PATHS?: 'strict' | 'literal'
  /** At most 32 printable ASCII characters. */
  NAME?: string
  /** At most 200 bytes in one line. */
  DESCRIPTION?: string
}
