/** The daemon's clock, as far as this page knows it, moving once a second. */
class Clock {
  now = $state(Date.now())
  #ahead = 0

  constructor() {
    setInterval(() => this.#tick(), 1000)
    document.addEventListener('visibilitychange', () => this.#tick())
  }

  /** Sets the clock by a time the daemon told just now. */
  set(now: number): void {
    this.#ahead = now - Date.now()
  }

  #tick(): void {
    if (!document.hidden) this.now = Date.now() + this.#ahead
  }
}

export const clock = new Clock()
