/** The cells of one line of comma-separated values (RFC 4180); a cell with a line break in it is not supported. */
export function csvCells(line: string): string[] {
  if (!line.includes('"')) return line.split(',').map((cell) => cell.trim())
  const cells: string[] = []
  for (let at = 0; at <= line.length; ) {
    const [cell, end] = cellAt(line, at)
    cells.push(cell)
    at = end + 1
  }
  return cells
}

/** A cell and the place of the comma after it. Spaces around quotes are not part of it: abuse.ch writes them. */
function cellAt(line: string, from: number): readonly [cell: string, end: number] {
  let start = from
  while (line[start] === ' ') start++
  if (line[start] !== '"') {
    const comma = line.indexOf(',', from)
    const end = comma < 0 ? line.length : comma
    return [line.slice(from, end).trim(), end]
  }
  let close = start + 1
  while (close < line.length && (line[close] !== '"' || line[close + 1] === '"'))
    close += line[close] === '"' ? 2 : 1
  const comma = line.indexOf(',', close)
  return [line.slice(start + 1, close).replaceAll('""', '"'), comma < 0 ? line.length : comma]
}

/** Reads rows by the names of their columns: those of the head where there is one, else `usual`. */
export class CsvRows {
  #columns: ReadonlyMap<string, number>
  #cells: readonly string[] = []

  constructor(usual: readonly string[]) {
    this.#columns = placesOf(usual)
  }

  /** True when the line was a head that names `column`; it may be a comment. */
  isHead(line: string, column: string): boolean {
    const names = csvCells(line.replace(/^[#\s]+/, '')).map((name) => name.toLowerCase())
    if (!names.includes(column)) return false
    this.#columns = placesOf(names)
    return true
  }

  read(line: string): void {
    this.#cells = csvCells(line)
  }

  /** Undefined for what is not there, empty, or written as nothing. */
  cell(column: string): string | undefined {
    const text = this.#cells[this.#columns.get(column) ?? -1]
    return text === undefined || text === '' || text === 'None' || text === 'null' ? undefined : text
  }
}

const placesOf = (names: readonly string[]): ReadonlyMap<string, number> =>
  new Map(names.map((name, at) => [name, at]))
