// Comfort for those whose browser runs it; every page works without. Nothing here decides anything.

/** Sorts a table by the column whose head was pressed. Exact values come from `data` and `time`. */
function makeSortable(table) {
  for (const [at, head] of [...table.tHead.rows[0].cells].entries()) {
    if (head.querySelector('.hide')) continue
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'sort'
    button.append(...head.childNodes)
    head.append(button)
    button.addEventListener('click', () => {
      const falls = head.getAttribute('aria-sort') === 'descending'
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort')
      head.setAttribute('aria-sort', falls ? 'ascending' : 'descending')
      const [body] = table.tBodies
      const rows = [...body.rows].sort((a, b) => compare(exactOf(a.cells[at]), exactOf(b.cells[at])))
      body.append(...(falls ? rows : rows.reverse()))
    })
  }
}

function exactOf(cell) {
  const exact = cell?.querySelector('data, time')
  return exact?.getAttribute('value') ?? exact?.getAttribute('datetime') ?? cell?.textContent.trim() ?? ''
}

function compare(a, b) {
  const [left, right] = [Number(a), Number(b)]
  return Number.isNaN(left) || Number.isNaN(right) ? a.localeCompare(b) : left - right
}

/** A copy of figures takes all of their decimals. */
document.addEventListener('copy', (event) => {
  const part = getSelection()?.rangeCount ? getSelection().getRangeAt(0).cloneContents() : null
  const figures = part?.querySelectorAll('data[value]') ?? []
  if (figures.length === 0) return
  for (const figure of figures) figure.textContent = figure.getAttribute('value')
  event.clipboardData.setData('text/plain', part.textContent)
  event.preventDefault()
})

/** Copies the text of the part that a button names. */
document.addEventListener('click', async ({ target }) => {
  const id = target.dataset?.copy
  if (!id) return
  await navigator.clipboard.writeText(document.getElementById(id).textContent.trim())
  target.textContent = 'Copied'
})

const KEYS = { h: '/', s: '/sites', a: '/accounts', i: '/invoices', r: '/runs', p: '/policy' }

function isTyping(target) {
  return (
    target instanceof HTMLElement && target.closest('input, select, textarea, [contenteditable]') !== null
  )
}

let isGoing = false
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  if (localStorage.getItem('keys') === 'off') return
  if (event.key === '/') {
    const field = document.querySelector('main input:not([type=hidden])')
    if (field) {
      field.focus()
      event.preventDefault()
    }
  } else if (isGoing && KEYS[event.key]) location.assign(KEYS[event.key])
  isGoing = event.key === 'g'
})

/** A form is sent once: a second press of its button does nothing until the next page. */
document.addEventListener('submit', (event) => {
  const form = event.target
  if (form.method !== 'post') return
  if (form.dataset.sent) return event.preventDefault()
  form.dataset.sent = 'yes'
  for (const button of form.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true')
})

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

/** Reads the live parts of the page again while it is seen. Parts with the focus in them stay. */
async function refresh() {
  if (document.hidden) return
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null)
  if (!answer?.ok || answer.redirected) return
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(part.id)
    if (next && !part.contains(document.activeElement) && next.innerHTML !== part.innerHTML)
      part.replaceWith(next)
  }
}

for (const form of document.querySelectorAll('form[data-check]')) checkWhileTyped(form)
for (const table of document.querySelectorAll('table.cards')) makeSortable(table)
if (document.querySelector('[data-live]')) setInterval(refresh, 15_000)

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
