/** The document around every page: navigation, who is signed in, and the page's own content. */
import type { Child } from 'hono/jsx'
import { may, type Principal, type Right } from '../people/principal.ts'

type NavItem = readonly [href: string, title: string, right?: Right]

/** Each page with the right that it reads with. A principal without it does not see the entry. */
const NAV: readonly (readonly [group: string, ...NavItem[]])[] = [
  ['', ['/', 'Home'], ['/alerts', 'Alerts', 'runs.read']],
  [
    'Traffic',
    ['/sites', 'Sites', 'sites.read'],
    ['/crawlers', 'Crawlers', 'figures.read'],
    ['/policy', 'Policy', 'sites.read'],
  ],
  [
    'Money',
    ['/accounts', 'Accounts', 'money.read'],
    ['/agents', 'Agents and credit', 'money.read'],
    ['/invoices', 'Invoices', 'money.read'],
    ['/runs', 'Runs', 'runs.read'],
  ],
  ['Publishers', ['/publishers', 'Publishers', 'sites.read']],
  [
    'Operator',
    ['/people', 'People', 'people.read'],
    ['/tokens', 'API tokens', 'tokens.write'],
    ['/audit', 'Audit', 'audit.read'],
    ['/settings', 'Settings'],
    ['/setup', 'Set up', 'runs.read'],
  ],
]

/** The paths of the navigation. */
export const NAV_PATHS: readonly string[] = NAV.flatMap(([, ...items]) => items.map(([href]) => href))

type FrameProps = {
  title: string
  path: string
  url: string
  who: Principal
  formToken: string
  /** The day (UTC) before which figures are sample data. */
  sampleBefore?: string | undefined
  children?: Child
}

/** The whole document of a page. */
export function Frame({ title, path, url, who, formToken, sampleBefore, children }: FrameProps) {
  return (
    <Document title={title}>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <div class="app">
        <header class="side">
          <a class="brand" href="/">
            <Tally />
            tab402
          </a>
          <details class="menu">
            <summary class="btn">Menu</summary>
            <nav class="nav" aria-label="Console, small screens">
              <Nav path={path} who={who} />
            </nav>
          </details>
          <nav class="nav rail" aria-label="Console">
            <Nav path={path} who={who} />
          </nav>
          <div class="who">
            <p>
              <bdi>{who.name}</bdi>, {who.role}
            </p>
            <form method="post" action="/sign-out">
              <input type="hidden" name="form" value={formToken} />
              <button class="btn sm" type="submit">
                Sign out
              </button>
            </form>
          </div>
        </header>
        <main id="main">
          {sampleBefore && (
            <p class="box" role="note">
              <strong>Sample data.</strong> Figures of days before {sampleBefore} are made up, to show what
              charts look like. Start with <code>--empty</code> and a new state directory to leave them out.
            </p>
          )}
          {children}
          <div id="news" class="hide" role="status" />
          <footer>
            <span>All amounts in USD. A copied figure has all six decimals.</span>
            <span>Times are UTC.</span>
            <span class="keys">
              <kbd>?</kbd> shows the keys
            </span>
            <span class="printed">{url}</span>
          </footer>
        </main>
      </div>
    </Document>
  )
}

/** A document without navigation, for those who are not signed in. */
export function Bare({ title, children }: { title: string; children?: Child }) {
  return (
    <Document title={title}>
      <main id="main" class="gate">
        <p class="brand">
          <Tally />
          tab402
        </p>
        {children}
      </main>
    </Document>
  )
}

function Document({ title, children }: { title: string; children?: Child }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · tab402`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/console.css" />
        <script type="module" src="/console.js" />
      </head>
      <body>{children}</body>
    </html>
  )
}

function Nav({ path, who }: { path: string; who: Principal }) {
  const seen = NAV.map(([group, ...items]) => ({
    group,
    items: items.filter(([, , right]) => right === undefined || may(who, right)),
  })).filter(({ items }) => items.length > 0)
  return (
    <>
      {seen.map(({ group, items }) => (
        <div>
          {group && <p>{group}</p>}
          <ul>
            {items.map(([href, title]) => (
              <li>
                <a href={href} aria-current={isHere(path, href) ? 'page' : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </>
  )
}

function isHere(path: string, href: string): boolean {
  return path === href || (href !== '/' && path.startsWith(`${href}/`))
}

/** Four strokes and one across: a tally. */
function Tally() {
  return (
    <svg
      width="24"
      height="20"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M4 3v14M9 3v14M14 3v14M19 3v14M1 14 23 6" />
    </svg>
  )
}
