import type { PartHealth } from '#model/health.ts'
import type { ProbedFrame, ProbeSettings, ProbeSummary } from './capture-probe.ts'
import type { NamespaceHost } from './namespaces.ts'

const script = new URL('./capture-probe.ts', import.meta.url).pathname

/** A ring source at work in a namespace. */
export interface Probe {
  readonly frames: readonly ProbedFrame[]
  readonly health: PartHealth | undefined
  stop(): Promise<ProbeSummary>
}

/** Returns once the source said how it is. */
export async function startProbe(host: NamespaceHost, settings: ProbeSettings = {}): Promise<Probe> {
  const child = host.start(process.execPath, script, JSON.stringify(settings))
  const frames: ProbedFrame[] = []
  let health: PartHealth | undefined
  let errors = ''
  let rest = ''
  let first = (): void => {}
  let last = (_: ProbeSummary): void => {}
  let failed = (_: Error): void => {}
  const summary = new Promise<ProbeSummary>((resolve) => {
    last = resolve
  })
  const ready = new Promise<void>((resolve, reject) => {
    first = resolve
    failed = reject
  })
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = JSON.parse(line) as { health?: PartHealth; frame?: ProbedFrame; summary?: ProbeSummary }
      if (said.frame) frames.push(said.frame)
      if (said.summary) last(said.summary)
      if (!said.health) continue
      health = said.health
      first()
    }
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  child.on('exit', (code) => failed(new Error(`the probe ended with ${code}: ${errors}`)))
  await ready
  return {
    frames,
    get health() {
      return health
    },
    stop() {
      child.kill('SIGTERM')
      return summary
    },
  }
}
