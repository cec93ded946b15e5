import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'

/**
 * A bench module is a file in `bench/` that exports `title` and `run`; `bench/run.ts` finds it by its place.
 * Each also runs alone: `node bench/engine.ts` (end the file with `if (import.meta.main) await printBench(...)`).
 */
export interface Bench {
  readonly title: string
  run(): Promise<readonly Row[]>
}

/** One measurement. Rows with the same `what` and unit are compared: the first is ours, the others are peers. */
export interface Row {
  /** What was done: `decode + flows, mix`. */
  readonly what: string
  /** Who did it: `gatehouse`, `tcpdump`, `ss`. */
  readonly who: string
  /** Infinity: it never came. */
  readonly value: number
  readonly unit: string
  /** Which way is better; decides how the ratio reads. */
  readonly better: 'more' | 'less'
  readonly note?: string
}

/** The middle of several runs. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Path of a program that a bench compares with, if this machine has it. */
export function findProgram(name: string): string | undefined {
  for (const folder of ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/bin', '/usr/local/sbin']) {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK)
      return `${folder}/${name}`
    } catch {
      // Not in this folder: the next one.
    }
  }
  return undefined
}

/** User and system CPU seconds, and wall seconds, of one run of a program (output thrown away). */
export function timeProgram(program: string, args: readonly string[]): { cpu: number; wall: number } {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>&1'
  const output = execFileSync('bash', ['-c', `{ ${script}; } 2>&1`, 'bash', program, ...args], {
    encoding: 'utf8',
  })
  const [wall = Number.NaN, user = Number.NaN, system = Number.NaN] = output.trim().split(/\s+/).map(Number)
  return { cpu: user + system, wall }
}

/** Prints the rows of one bench, each peer with how many times better or worse ours is. */
export async function printBench(bench: Bench): Promise<void> {
  console.log(`\n${bench.title}`)
  const rows = await bench.run()
  const lines = rows.map((row) => [
    row.what,
    row.who,
    figure(row.value),
    row.unit,
    ratio(row, rows),
    row.note ?? '',
  ])
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  for (const line of lines) {
    const cells = line.map((cell, at) =>
      at === 2 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
    )
    console.log(`  ${cells.join('  ').trimEnd()}`)
  }
}

function ratio(row: Row, rows: readonly Row[]): string {
  const ours = rows.find((other) => other.what === row.what && other.unit === row.unit)
  if (ours === undefined || ours === row) return ''
  if (ours.value === row.value) return 'the same'
  const times = row.better === 'more' ? ours.value / row.value : row.value / ours.value
  if (Number.isNaN(times)) return ''
  if (times === 0 || times === Number.POSITIVE_INFINITY) return `ours is ${times === 0 ? 'worse' : 'better'}`
  return times >= 1 ? `ours is ${figure(times)}× better` : `ours is ${figure(1 / times)}× worse`
}

function figure(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toString()
  return value.toPrecision(3)
}
