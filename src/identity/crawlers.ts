/** The known crawlers: name, operator and purpose. */

/**
 * The purpose of a crawler. `search`: an index that people or assistants search. `training`: the training of models, and
 * data sets for it. `assistant`: one person's current question. `other`: anything else.
 */
export type CrawlerClass = 'search' | 'training' | 'assistant' | 'other'

/** A known crawler. */
export type Crawler = {
  /** The token it sends in its User-Agent, in its operator's spelling. */
  name: string
  operator: string
  class: CrawlerClass
}

/**
 * Name, operator, class. The class is the category Cloudflare gives (developers.cloudflare.com/ai-crawl-control/reference/bots);
 * for crawlers that are not in its table, what their operator says (OpenAI: developers.openai.com/docs/bots; Anthropic:
 * support.claude.com/en/articles/8896518; Google: developers.google.com/crawling; Meta:
 * developers.facebook.com/docs/sharing/webmasters/web-crawlers), else github.com/ai-robots-txt/ai.robots.txt. State of
 * November 2026. Names that people's programs carry too ("Code", "Cursor", "Operator") are left out on purpose.
 */
const TABLE = [
  ['GPTBot', 'OpenAI', 'training'],
  ['OAI-SearchBot', 'OpenAI', 'search'],
  ['ChatGPT-User', 'OpenAI', 'assistant'],
  ['OAI-AdsBot', 'OpenAI', 'other'],
  ['ClaudeBot', 'Anthropic', 'training'],
  ['Claude-SearchBot', 'Anthropic', 'search'],
  ['Claude-User', 'Anthropic', 'assistant'],
  ['Claude-Code', 'Anthropic', 'assistant'],
  ['Claude-Web', 'Anthropic', 'training'],
  ['anthropic-ai', 'Anthropic', 'training'],
  ['Googlebot', 'Google', 'search'],
  ['Storebot-Google', 'Google', 'search'],
  ['Google-CloudVertexBot', 'Google', 'training'],
  ['Google-Agent', 'Google', 'assistant'],
  ['Google-GeminiNotebook', 'Google', 'assistant'],
  ['Google-NotebookLM', 'Google', 'assistant'],
  ['GoogleAgent-Mariner', 'Google', 'assistant'],
  ['GoogleAgent-URLContext', 'Google', 'assistant'],
  ['Gemini-Deep-Research', 'Google', 'assistant'],
  ['GoogleOther', 'Google', 'other'],
  ['Google-InspectionTool', 'Google', 'other'],
  ['AdsBot-Google', 'Google', 'other'],
  ['Mediapartners-Google', 'Google', 'other'],
  ['bingbot', 'Microsoft', 'search'],
  ['AzureAI-SearchBot', 'Microsoft', 'search'],
  ['Applebot', 'Apple', 'search'],
  ['Amazonbot', 'Amazon', 'training'],
  ['Amzn-SearchBot', 'Amazon', 'search'],
  ['Amzn-User', 'Amazon', 'assistant'],
  ['AmazonBuyForMe', 'Amazon', 'assistant'],
  ['NovaAct', 'Amazon', 'assistant'],
  ['bedrockbot', 'Amazon', 'other'],
  ['Meta-ExternalAgent', 'Meta', 'training'],
  ['FacebookBot', 'Meta', 'training'],
  ['Meta-WebIndexer', 'Meta', 'search'],
  ['Meta-ExternalFetcher', 'Meta', 'assistant'],
  ['facebookexternalhit', 'Meta', 'other'],
  ['PerplexityBot', 'Perplexity', 'search'],
  ['Perplexity-User', 'Perplexity', 'assistant'],
  ['MistralAI-User', 'Mistral AI', 'assistant'],
  ['cohere-training-data-crawler', 'Cohere', 'training'],
  ['cohere-ai', 'Cohere', 'assistant'],
  ['Bytespider', 'ByteDance', 'training'],
  ['TikTokSpider', 'ByteDance', 'training'],
  ['CCBot', 'Common Crawl', 'training'],
  ['DeepSeekBot', 'DeepSeek', 'training'],
  ['PanguBot', 'Huawei', 'training'],
  ['PetalBot', 'Huawei', 'search'],
  ['ChatGLM-Spider', 'Zhipu AI', 'training'],
  ['TongyiBot', 'Alibaba', 'assistant'],
  ['Baiduspider', 'Baidu', 'search'],
  ['YiyanBot', 'Baidu', 'assistant'],
  ['Kimi-User', 'Moonshot AI', 'assistant'],
  ['Manus-User', 'Butterfly Effect', 'assistant'],
  ['AI2Bot', 'Ai2', 'training'],
  ['Diffbot', 'Diffbot', 'training'],
  ['omgili', 'Webz.io', 'training'],
  ['omgilibot', 'Webz.io', 'training'],
  ['Webzio-Extended', 'Webz.io', 'training'],
  ['Timpibot', 'Timpi', 'training'],
  ['ICC-Crawler', 'NICT', 'training'],
  ['SBIntuitionsBot', 'SB Intuitions', 'training'],
  ['LAIONDownloader', 'LAION', 'training'],
  ['img2dataset', 'img2dataset', 'training'],
  ['DuckDuckBot', 'DuckDuckGo', 'search'],
  ['DuckAssistBot', 'DuckDuckGo', 'assistant'],
  ['Bravebot', 'Brave', 'search'],
  ['Kagibot', 'Kagi', 'search'],
  ['kagi-fetcher', 'Kagi', 'assistant'],
  ['YouBot', 'You.com', 'search'],
  ['Andibot', 'Andi', 'search'],
  ['PhindBot', 'Phind', 'assistant'],
  ['ExaBot', 'Exa', 'search'],
  ['ExaSearchBot', 'Exa', 'search'],
  ['TavilyBot', 'Tavily', 'search'],
  ['LinkupBot', 'Linkup', 'search'],
  ['ShapBot', 'Parallel', 'search'],
  ['Shap-User', 'Parallel', 'assistant'],
  ['Devin', 'Cognition', 'assistant'],
  ['YandexBot', 'Yandex', 'search'],
  ['YandexAdditionalBot', 'Yandex', 'search'],
  ['SeznamBot', 'Seznam', 'search'],
  ['Qwantbot', 'Qwant', 'search'],
  ['MojeekBot', 'Mojeek', 'search'],
  ['archive.org_bot', 'Internet Archive', 'other'],
  ['FirecrawlAgent', 'Firecrawl', 'other'],
  ['Scrapy', 'Zyte', 'other'],
  ['AhrefsBot', 'Ahrefs', 'other'],
  ['SemrushBot', 'Semrush', 'other'],
] as const satisfies readonly (readonly [name: string, operator: string, crawlerClass: CrawlerClass])[]

/** The name of a crawler in the table, in its operator's spelling. */
export type CrawlerName = (typeof TABLE)[number][0]

/** Every crawler known by name. A claim in a User-Agent, not a proof. */
export const crawlers: readonly Crawler[] = TABLE.map(([name, operator, crawlerClass]) => ({
  name,
  operator,
  class: crawlerClass,
}))

/** Tokens for robots.txt only, and the crawler that fetches for them. No request carries such a token. */
export const robotsOnly: ReadonlyMap<string, string> = new Map([
  ['google-extended', 'Googlebot'],
  ['applebot-extended', 'Applebot'],
])

const byToken = new Map(crawlers.map((crawler) => [crawler.name.toLowerCase(), crawler]))
const TOKEN = new RegExp(`(?<![a-z0-9-])(?:${[...byToken.keys()].map(literal).join('|')})(?![a-z0-9])`, 'i')

/** Finds the first known crawler in a User-Agent, in any case, as a whole word: "cubot" does not match "bot". */
export function findCrawler(userAgent: string): Crawler | undefined {
  const [token] = TOKEN.exec(userAgent) ?? []
  return token === undefined ? undefined : byToken.get(token.toLowerCase())
}

/** The crawler of this name, in any case. */
export function crawlerNamed(name: string): Crawler | undefined {
  return byToken.get(name.toLowerCase())
}

function literal(token: string): string {
  return token.replaceAll('.', '\\.')
}
