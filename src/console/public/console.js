// Comfort for those whose browser runs it; every page works without.

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

/** After `g`. The navigation has their titles. */
const GOES = {
  h: '/',
  l: '/alerts',
  s: '/sites',
  c: '/crawlers',
  p: '/policy',
  a: '/accounts',
  g: '/agents',
  i: '/invoices',
  r: '/runs',
}
const areKeysOff = () => localStorage.getItem('keys') === 'off'

/** The dialog of the keys, which can turn them off. */
let help = null
function openHelp() {
  const row = (keys, text) => `<li><kbd>${keys.replace(' ', '</kbd> <kbd>')}</kbd> ${text}`
  const goes = Object.entries(GOES).map(([key, href]) => {
    const link = document.querySelector(`.rail a[href="${href}"]`)
    return link ? row(`g ${key}`, link.textContent) : ''
  })
  if (!help) {
    help = document.createElement('dialog')
    help.className = 'box help'
    help.ariaLabel = 'Keys'
    help.innerHTML = `<h2>Keys</h2><ul>${row('/', 'First field')}${row('?', 'Keys')}${goes.join('')}</ul>
      <p><label><input type="checkbox" ${areKeysOff() ? '' : 'checked'}> Keys are on</label></p>
      <form method="dialog"><button class="btn">Close</button></form>`
    help.addEventListener('change', ({ target }) =>
      localStorage.setItem('keys', target.checked ? 'on' : 'off'),
    )
    document.body.append(help)
  }
  if (!help.open) help.showModal()
}

for (const keys of document.querySelectorAll('footer .keys')) {
  keys.innerHTML = '<button type="button" class="link">Keys</button>'
  keys.addEventListener('click', openHelp)
}

/** Copies the text of the part that a button names. */
document.addEventListener('click', async ({ target }) => {
  const id = target.dataset?.copy
  if (!id) return
  await navigator.clipboard.writeText(document.getElementById(id).textContent.trim())
  target.textContent = 'Copied'
})

function isTyping(target) {
  return (
    target instanceof HTMLElement && target.closest('input, select, textarea, [contenteditable]') !== null
  )
}

let isGoing = false
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || help?.open) return
  if (areKeysOff()) return
  const href = isGoing && GOES[event.key]
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
// A page that the browser kept has its forms as they were sent.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload())

/** Says what must change while a form is typed. Its check answers with the faults by field, and saves nothing. */
function checkWhileTyped(form) {
  let [wait, asked] = [0, 0]
  async function check() {
    const mine = ++asked
    const body = new URLSearchParams(new FormData(form))
    const answer = await fetch(form.dataset.check, { method: 'POST', body }).catch(() => null)
    const { faults } = answer?.ok && !answer.redirected ? await answer.json() : {}
    // A later answer knows more. Without one, what was found before stays.
    if (!faults || mine !== asked) return
    for (const place of form.querySelectorAll('[data-fault]')) {
      const text = faults[place.dataset.fault] ?? ''
      if (place.textContent !== text) place.textContent = text
      form.elements[place.dataset.fault]?.setAttribute('aria-invalid', text !== '')
    }
  }
  form.addEventListener('input', () => {
    clearTimeout(wait)
    wait = setTimeout(check, 400)
  })
}

const EVERY_MS = 15_000
let etag = null

/** Reads the page again while it is seen. Nothing with the focus in it is replaced. */
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

/** Renews a part; with the focus in it, its other rows alone. */
function renew(part, next) {
  if (part.innerHTML === next.innerHTML || part.querySelector('details[open]')) return 0
  const focused = document.activeElement
  if (!part.contains(focused)) {
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

function announce() {
  document.getElementById('news').textContent = `Read again at ${new Date().toISOString().slice(11, 16)} UTC`
}

function asOf(date) {
  const iso = date.toISOString()
  for (const time of document.querySelectorAll('time[data-asof]')) {
    time.dateTime = iso
    time.textContent = `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
  }
}

if (document.querySelector('[data-live]')) {
  setInterval(refresh, EVERY_MS)
  document.addEventListener('visibilitychange', refresh)
}

for (const form of document.querySelectorAll('form[data-check]')) checkWhileTyped(form)

/** Asks for a passkey, and sends the form with what the browser says. */
function askPasskey(form) {
  const { passkey, options } = form.dataset
  const isNew = passkey === 'new'
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    try {
      const read = isNew ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON'
      const publicKey = PublicKeyCredential[read](JSON.parse(options))
      const credential = await navigator.credentials[isNew ? 'create' : 'get']({ publicKey })
      form.elements.credential.value = JSON.stringify(credential)
      form.submit()
    } catch {
      form.querySelector('[role=alert]').textContent = 'The browser gave no passkey. Try it again.'
      delete form.dataset.sent
      for (const button of form.querySelectorAll('button')) button.removeAttribute('aria-disabled')
    }
  })
}

for (const form of document.querySelectorAll('form[data-passkey]')) askPasskey(form)
