/** Where the reader is: the path and its search part, kept in the address bar so that every view is a link. */
class Route {
  path = $state(location.pathname)
  query = $state.raw(new URLSearchParams(location.search))

  constructor() {
    addEventListener('popstate', () => this.#read())
    document.addEventListener('click', (event) => this.#follow(event))
  }

  /** The parts of the path: `/alerts/12` is `['alerts', '12']`. */
  get parts(): string[] {
    return this.path.split('/').filter(Boolean).map(decoded)
  }

  /** Goes to another place; `replace` leaves no step in the history. */
  go(href: string, how: 'push' | 'replace' = 'push'): void {
    if (href !== location.pathname + location.search) {
      if (how === 'push') history.pushState(undefined, '', href)
      else history.replaceState(undefined, '', href)
    }
    this.#read()
  }

  get(key: string): string {
    return this.query.get(key) ?? ''
  }

  /** Changes search values of this place; an empty value goes away. Leaves no step in the history. */
  set(values: Record<string, string>): void {
    const query = new URLSearchParams(this.query)
    for (const [key, value] of Object.entries(values)) {
      if (value === '') query.delete(key)
      else query.set(key, value)
    }
    this.go(withQuery(this.path, query), 'replace')
  }

  #read(): void {
    this.path = location.pathname
    if (location.search !== `?${this.query}` && !(location.search === '' && this.query.size === 0)) {
      this.query = new URLSearchParams(location.search)
    }
  }

  #follow(event: MouseEvent): void {
    const anchor = event.target instanceof Element ? event.target.closest('a') : null
    const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    if (!anchor || !isPlain || event.defaultPrevented || anchor.target) return
    const url = new URL(anchor.href, location.href)
    if (url.origin !== location.origin || url.hash) return
    event.preventDefault()
    this.go(url.pathname + url.search)
  }
}

const withQuery = (path: string, query: URLSearchParams): string => (query.size ? `${path}?${query}` : path)

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export const route = new Route()
