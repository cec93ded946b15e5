/** No format has lines of this length: what is longer is skipped, and never held in memory. */
const MOST_CHARACTERS = 65_536

/** Cuts a text that comes in pieces into lines; `\r\n` and `\n` end one. */
export class LineSplitter {
  readonly #line: (line: string) => void
  readonly #tooLong: () => void
  #rest = ''
  #isSkipping = false

  constructor(line: (line: string) => void, tooLong: () => void) {
    this.#line = line
    this.#tooLong = tooLong
  }

  write(text: string): void {
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#end(text.slice(from, end))
      from = end + 1
    }
    if (this.#isSkipping) return
    this.#rest += text.slice(from)
    if (this.#rest.length > MOST_CHARACTERS) this.#skip()
  }

  finish(): void {
    if (this.#rest !== '') this.#end('')
  }

  #end(tail: string): void {
    const line = this.#rest === '' ? tail : this.#rest + tail
    this.#rest = ''
    if (this.#isSkipping) this.#isSkipping = false
    else if (line.length > MOST_CHARACTERS) this.#tooLong()
    else this.#line(line.endsWith('\r') ? line.slice(0, -1) : line)
  }

  #skip(): void {
    this.#rest = ''
    this.#isSkipping = true
    this.#tooLong()
  }
}
