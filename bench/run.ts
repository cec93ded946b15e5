import { readdir } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { type Bench, printBench } from './bench.ts'

/** Runs every bench of this folder, or those named on the command line: `node bench/run.ts engine`. */
const wanted = process.argv.slice(2)
const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.ts')).sort()
console.log(
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`,
)
for (const file of files) {
  const name = file.slice(0, -3)
  if (['run', 'bench'].includes(name) || (wanted.length > 0 && !wanted.includes(name))) continue
  const module: Partial<Bench> = await import(new URL(file, import.meta.url).href)
  if (module.title !== undefined && module.run !== undefined) {
    await printBench({ title: module.title, run: module.run })
  }
}
