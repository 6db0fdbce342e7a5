/** The sample publisher's site, a plain server that knows nothing of payments: the origin that the Worker protects. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const SITE = fileURLToPath(new URL('../../../examples/site', import.meta.url))

/** The name over every page. */
const NAME = 'Tally & Ink'
const MOTTO = 'Short pieces on money, machines and the web'

export type LocalOrigin = { url: string; stop(): Promise<void> }

type Article = { slug: string; title: string; summary: string; paragraphs: string[] }
type Page = { type: string; body: string }

/** Serves the site on 127.0.0.1, on a free port unless one is given. */
export async function startOrigin(port = 0): Promise<LocalOrigin> {
  const articles = readArticles()
  const style = readFileSync(`${SITE}/style.css`, 'utf8')
  const server = createServer((request, response) => {
    const { 'x-forwarded-proto': protocol = 'http', 'x-forwarded-host': host = request.headers.host } =
      request.headers
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const page = findPage(articles, style, pathname, `${protocol}://${host}`)
    response.writeHead(page === undefined ? 404 : 200, {
      'content-type': page?.type ?? 'text/plain; charset=utf-8',
      'cache-control': 'public, max-age=300',
    })
    const body = page?.body ?? 'Page not found.\n'
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The paths of all articles, in the order of the front page. */
export function articlePaths(): string[] {
  return readArticles().map(({ slug }) => `/articles/${slug}`)
}

/** A file is a title after `# `, a summary after `> `, and paragraphs, all with an empty line between. */
function readArticles(): Article[] {
  const files = readdirSync(`${SITE}/articles`).sort()
  return files.map((file) => {
    const [title = '', summary = '', ...paragraphs] = readFileSync(`${SITE}/articles/${file}`, 'utf8')
      .trim()
      .split(/\n\n+/)
    return { slug: file.replace(/\.md$/, ''), title: title.slice(2), summary: summary.slice(2), paragraphs }
  })
}

function findPage(articles: Article[], style: string, path: string, origin: string): Page | undefined {
  if (path === '/') return html(style, NAME, front(articles))
  if (path === '/robots.txt') {
    return text('text/plain', `User-agent: *\nAllow: /\n\nSitemap: ${origin}/sitemap.xml\n`)
  }
  if (path === '/sitemap.xml') return text('application/xml', sitemap(articles, origin))
  if (path === '/feed') return text('application/rss+xml', feed(articles, origin))
  const article = articles.find(({ slug }) => path === `/articles/${slug}`)
  return article && html(style, `${article.title} · ${NAME}`, story(article))
}

function text(type: string, body: string): Page {
  return { type: `${type}; charset=utf-8`, body }
}

function html(style: string, title: string, body: string): Page {
  return text(
    'text/html',
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeText(title)}</title>
<link rel="alternate" type="application/rss+xml" href="/feed">
<style>
${style}</style>
</head>
<body>
<header><a href="/">${escapeText(NAME)}</a><p>${escapeText(MOTTO)}</p></header>
<main>
${body}
</main>
<footer>Read freely. Crawlers pay by the page.</footer>
</body>
</html>
`,
  )
}

function front(articles: Article[]): string {
  const items = articles.map(
    ({ slug, title, summary }) =>
      `<li><a href="/articles/${slug}">${escapeText(title)}</a><p>${escapeText(summary)}</p></li>`,
  )
  return `<ul>\n${items.join('\n')}\n</ul>`
}

function story({ title, summary, paragraphs }: Article): string {
  const lines = paragraphs.map((paragraph) => `<p>${escapeText(paragraph.replaceAll('\n', ' '))}</p>`)
  return `<article>\n<h1>${escapeText(title)}</h1>\n<p class="summary">${escapeText(summary)}</p>\n${lines.join('\n')}\n</article>`
}

function sitemap(articles: Article[], origin: string): string {
  const urls = ['/', ...articles.map(({ slug }) => `/articles/${slug}`)]
  const lines = urls.map((path) => `<url><loc>${origin}${path}</loc></url>`)
  return `<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
${lines.join('\n')}
</urlset>
`
}

function feed(articles: Article[], origin: string): string {
  const items = articles.map(
    ({ slug, title, summary }) =>
      `<item><title>${escapeText(title)}</title><link>${origin}/articles/${slug}</link><description>${escapeText(summary)}</description></item>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>${escapeText(NAME)}</title><link>${origin}/</link><description>${escapeText(MOTTO)}</description>
${items.join('\n')}
</channel></rss>
`
}

function escapeText(line: string): string {
  return line.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
