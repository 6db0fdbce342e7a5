// Comfort for those whose browser runs it; every page works without. Nothing here decides anything.

/** A copy of figures takes all of their decimals. */
document.addEventListener('copy', (event) => {
  const part = getSelection()?.rangeCount ? getSelection().getRangeAt(0).cloneContents() : null
  const figures = part?.querySelectorAll('data[value]') ?? []
  if (figures.length === 0) return
  for (const figure of figures) figure.textContent = figure.getAttribute('value')
  event.clipboardData.setData('text/plain', part.textContent)
  event.preventDefault()
})

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })

/** A time says what it is here, once somebody looks at it. */
for (const kind of ['pointerover', 'focusin'])
  document.addEventListener(kind, ({ target }) => {
    const time = target instanceof Element ? target.closest('time[datetime]') : null
    if (time && !time.title) time.title = `Here: ${LOCAL.format(new Date(time.dateTime))}`
  })

const GOES = [
  ['h', '/', 'Home'],
  ['l', '/alerts', 'Alerts'],
  ['s', '/sites', 'Sites'],
  ['c', '/crawlers', 'Crawlers'],
  ['p', '/policy', 'Policy'],
  ['a', '/accounts', 'Accounts'],
  ['g', '/agents', 'Agents and credit'],
  ['i', '/invoices', 'Invoices'],
  ['r', '/runs', 'Runs'],
]
const KEYS = 'keys'

function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}

/** The dialog of the keys, which can turn them off. It opens by `?`, and by its button in the footer. */
function helpDialog() {
  const off = made('input', { type: 'checkbox', checked: localStorage.getItem(KEYS) !== 'off' })
  off.addEventListener('change', () => localStorage.setItem(KEYS, off.checked ? 'on' : 'off'))
  const row = (keys, text) =>
    made('li', {}, made('span', {}, ...keys.flatMap((key) => [made('kbd', { textContent: key }), ' '])), text)
  const list = made(
    'ul',
    {},
    row(['/'], 'Find: the first field of the page'),
    row(['?'], 'These keys'),
    ...GOES.map(([key, , title]) => row(['g', key], title)),
  )
  const close = made('button', { type: 'submit', className: 'btn', textContent: 'Close' })
  const dialog = made(
    'dialog',
    { className: 'box help', ariaLabel: 'Keys' },
    made('h2', { textContent: 'Keys' }),
    list,
    made('label', {}, off, ' Keys are on'),
    made('form', { method: 'dialog' }, close),
  )
  document.body.append(dialog)
  return dialog
}

let help = null
function openHelp() {
  help ??= helpDialog()
  if (!help.open) help.showModal()
}

for (const keys of document.querySelectorAll('footer .keys')) {
  const button = made('button', { type: 'button', className: 'link', textContent: 'Keys' })
  button.addEventListener('click', openHelp)
  keys.replaceChildren(button)
}

function isTyping(target) {
  return (
    target instanceof HTMLElement && target.closest('input, select, textarea, [contenteditable]') !== null
  )
}

let isGoing = false
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || help?.open) return
  if (localStorage.getItem(KEYS) === 'off') return
  const [, href] = (isGoing && GOES.find(([key]) => key === event.key)) || []
  isGoing = event.key === 'g' && !href
  if (href) return location.assign(href)
  if (event.key === '?') openHelp()
  if (event.key !== '/') return
  const field = document.querySelector('main :is(input, textarea):not([type=hidden])')
  field?.focus()
  if (field) event.preventDefault()
})

/** A form is sent once: a second press of its button does nothing until the next page. */
document.addEventListener('submit', (event) => {
  const form = event.target
  if (form.method !== 'post') return
  if (form.dataset.sent) return event.preventDefault()
  form.dataset.sent = 'yes'
  for (const button of form.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true')
})
// A page that the browser kept comes back with its forms as they were sent.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload())

const EVERY_MS = 15_000
let etag = null

/** Reads the page again while it is seen. Nothing is fetched twice, and nothing with the focus in it is replaced. */
async function refresh() {
  if (document.hidden || document.querySelector('form[data-sent], dialog[open]')) return
  const headers = etag ? { 'if-none-match': etag } : {}
  const answer = await fetch(location.href, { headers, cache: 'no-store' }).catch(() => null)
  if (!answer || answer.redirected || (answer.status !== 304 && !answer.ok)) return
  if (answer.ok) {
    const isFirst = etag === null
    etag = answer.headers.get('etag')
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    let changes = 0
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = fresh.getElementById(part.id)
      if (next) changes += renew(part, next)
    }
    if (changes > 0 && !isFirst) announce()
  }
  asOf(new Date(answer.headers.get('date') ?? Date.now()))
}

/** Takes over what changed of a part. Where the focus is in one of its rows, the other rows are taken over alone. */
function renew(part, next) {
  if (part.innerHTML === next.innerHTML) return 0
  const focused = document.activeElement
  if (!part.contains(focused)) {
    for (const details of part.querySelectorAll('details[open]')) {
      const all = [...part.querySelectorAll('details')]
      next.querySelectorAll('details')[all.indexOf(details)]?.setAttribute('open', '')
    }
    part.replaceChildren(...next.childNodes)
    return 1
  }
  let changes = 0
  for (const row of part.querySelectorAll('tbody tr[id]')) {
    const fresh = next.querySelector(`#${CSS.escape(row.id)}`)
    if (!fresh || row.contains(focused) || row.innerHTML === fresh.innerHTML) continue
    row.replaceWith(fresh)
    changes++
  }
  return changes
}

/** Says so politely, where a screen reader can wait with it. */
function announce() {
  let live = document.querySelector('#news')
  if (!live) {
    live = made('p', { id: 'news', className: 'hide', role: 'status' })
    document.body.append(live)
  }
  live.textContent = `Figures were read again at ${new Date().toISOString().slice(11, 16)} UTC.`
}

function asOf(date) {
  const iso = date.toISOString()
  for (const time of document.querySelectorAll('time[data-asof]')) {
    time.dateTime = iso
    time.title = ''
    time.textContent = `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
  }
}

if (document.querySelector('[data-live]')) {
  setInterval(refresh, EVERY_MS)
  document.addEventListener('visibilitychange', refresh)
}
