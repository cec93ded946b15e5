import { shortened, visibleText } from '#lib/visible-text.ts'
import type { Terminal } from './command.ts'

export interface Column<Row> {
  readonly title: string
  readonly isRight?: boolean
  /** May be cut when the terminal is narrow. */
  readonly canShrink?: boolean
  cell(row: Row): string
}

const GAP = '  '
const NARROWEST = 8

/** An aligned table; what comes from the wire is made visible here, so no command can forget to. */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: Terminal,
): string {
  const cells = rows.map((row) => columns.map((column) => visibleText(column.cell(row))))
  const titles = columns.map((column) => column.title)
  const widths = titles.map((title, at) =>
    Math.max(lengthOf(title), ...cells.map((row) => lengthOf(row[at]))),
  )
  if (terminal.columns !== undefined) shrink(widths, columns, terminal.columns)
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) =>
        padded(shortened(text, widths[at] ?? 0), widths[at] ?? 0, columns[at]?.isRight === true),
      )
      .join(GAP)
      .trimEnd()
  const head = terminal.hasColour ? `\u001b[2m${line(titles)}\u001b[0m` : line(titles)
  return `${[head, ...cells.map(line)].join('\n')}\n`
}

/** Takes from the widest column that may shrink until the table fits. */
function shrink<Row>(widths: number[], columns: readonly Column<Row>[], room: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1)
  while (total() > room) {
    let widest = -1
    for (const [at, column] of columns.entries()) {
      if (column.canShrink && (widths[at] ?? 0) > (widths[widest] ?? NARROWEST)) widest = at
    }
    if (widest < 0) return
    widths[widest] = Math.max(NARROWEST, (widths[widest] ?? 0) - (total() - room) / 2 - 1) | 0
  }
}

const lengthOf = (text: string | undefined): number => Array.from(text ?? '').length

const padded = (text: string, width: number, isRight: boolean): string => {
  const fill = ' '.repeat(Math.max(0, width - lengthOf(text)))
  return isRight ? fill + text : text + fill
}
