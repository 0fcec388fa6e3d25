// Draws a board and keeps it drawn: what did not change is not touched, so scroll, focus and selection stay.
// Listens for published versions and asks the script for the new board; asks every second where no socket opens.

const views = new WeakMap()
const LOOK_ANYWAY_MS = 60000 // cards grow older although nothing is published

export default function ({ parentElement, data, setTriggerValue }) {
  let view = views.get(parentElement)
  if (!view) views.set(parentElement, (view = open(parentElement)))
  view.ask = (version) => setTriggerValue("published", version)
  view.show(data)
  return () => { view.close(); views.delete(parentElement) }
}

function open(root) {
  const board = root.querySelector(".board"), age = root.querySelector(".age"), warning = root.querySelector(".warning")
  let data, skew = 0, checked = 0, wanted, askedFor, asked = Date.now(), socket, closed = false, retry = 0, first = true

  const connect = () => {
    if (closed || !data) return
    socket = new WebSocket(location.origin.replace(/^http/, "ws") + data.socket)
    socket.onmessage = (message) => {
      const told = JSON.parse(message.data)
      wanted = told.version
      checked = Math.max(checked, told.checked_ms)
      need()
      tick()
    }
    socket.onclose = () => { if (!closed) retry = setTimeout(connect, 2000) }
  }
  const need = () => {
    const listening = socket && socket.readyState === WebSocket.OPEN
    const missing = !listening || (wanted !== undefined && wanted !== data.version)
    const news = listening && missing && wanted !== askedFor
    if (!news && Date.now() - asked < (missing ? 1000 : LOOK_ANYWAY_MS)) return
    asked = Date.now()
    askedFor = wanted
    view.ask(String(wanted ?? asked) + ":" + asked)
  }
  const tick = () => {
    const old = Date.now() + skew - checked
    age.textContent = `As of ${clock(checked, data.zone, old)} (${ago(old)}), ${data.zone}`
    const stale = data.stale_after_ms !== null && old > data.stale_after_ms
    const words = stale ? `This board was last read ${ago(old)}: what you see may be out of date. ${data.next_step}` : ""
    if (warning.textContent !== words) warning.textContent = words
    warning.hidden = !stale
  }
  const beat = setInterval(() => { tick(); need() }, 1000)

  const view = {
    show(next) {
      const changedBoard = data && data.board_id !== next.board_id
      data = next
      skew = data.now_ms - Date.now()
      checked = Math.max(checked, data.checked_ms)
      if (changedBoard) board.replaceChildren(), (board.scrollLeft = 0), (first = true)
      board.classList.toggle("settled", !first)
      keyed(board, data.columns, "column", column, fillColumn)
      first = false
      tick()
      if (!socket) connect()
      if (socket && socket.readyState === WebSocket.OPEN && wanted !== data.version) setTimeout(need, 200)
    },
    close() { closed = true; clearInterval(beat); clearTimeout(retry); if (socket) socket.close() },
  }
  return view
}

function clock(ms, zone, old) {
  const far = old < 20 * 3600 * 1000 ? {} : { weekday: "short", day: "numeric", month: "short", year: "numeric" }
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }
  return new Intl.DateTimeFormat("en-GB", { ...far, ...time, timeZone: zone }).format(ms)
}

function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return `${s} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} min ago`
  if (s < 172800) return `${Math.floor(s / 3600)} h ago`
  return `${Math.floor(s / 86400)} days ago`
}

// One child per item, in order. Nodes that stay in place are never moved: moving a node loses its scroll.
function keyed(parent, items, name, make, fill) {
  const ids = new Set(items.map((item) => item.id))
  const nodes = new Map()
  for (const node of [...parent.children]) {
    if (ids.has(node.dataset[name])) nodes.set(node.dataset[name], node)
    else node.remove()
  }
  let place = parent.firstElementChild
  for (const item of items) {
    let node = nodes.get(item.id)
    if (!node) { node = make(); node.dataset[name] = item.id }
    if (node === place) place = place.nextElementSibling
    else parent.insertBefore(node, place)
    const text = JSON.stringify(item)
    if (node.told !== text) { fill(node, item, node.told !== undefined); node.told = text }
  }
}

function el(tag, name, text) {
  const node = document.createElement(tag)
  if (name) node.className = name
  if (text !== undefined) node.textContent = text
  return node
}

function column() {
  const node = el("section", "column"), head = el("h3"), cards = el("div", "cards")
  cards.tabIndex = 0
  head.append(el("span", "title"), el("span", "count"))
  node.append(head, cards)
  return node
}

function fillColumn(node, item) {
  const [head, cards] = node.children
  node.setAttribute("aria-label", `${item.title}, ${item.count_text}`)
  cards.setAttribute("aria-label", `Cards in ${item.title}`)
  cards.setAttribute("role", "group")
  head.children[0].textContent = item.title
  head.children[1].textContent = item.cards.length
  head.children[1].title = item.count_text
  node.classList.toggle("done", item.is_done)
  keyed(cards, item.cards, "card", () => el("article", "card"), fillCard)
}

function fillCard(node, item, again) {
  const title = item.url ? el("a", "title", item.title) : el("span", "title", item.title)
  if (item.url) { title.href = item.url; title.target = "_blank"; title.rel = "noopener noreferrer" }
  const parts = [title]
  if (item.labels.length) parts.push(group("labels", item.labels.map((text) => el("span", "label", text))))
  const meta = item.meta.map((one) => {
    const part = el("span", "part " + one.kind, one.text)
    part.title = one.title
    return part
  })
  if (meta.length) parts.push(group("meta", meta))
  if (item.people.length) parts.push(el("div", "people", item.people.join(", ")))
  node.replaceChildren(...parts)
  if (node.mark !== item.mark && (again || node.closest(".settled"))) flash(node)
  node.mark = item.mark
}

function flash(node) {
  node.classList.remove("changed")
  void node.offsetWidth // starts the animation anew
  node.classList.add("changed")
  clearTimeout(node.fading)
  node.fading = setTimeout(() => node.classList.remove("changed"), 3000)
}

function group(name, nodes) {
  const node = el("div", name)
  node.append(...nodes)
  return node
}
