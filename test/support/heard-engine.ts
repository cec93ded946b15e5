import { createEngine, type EngineOptions } from '#capture/engine.ts'
import { END_REASONS, FLOW_STATES, type FlowRecord } from '#model/flow.ts'
import type { Watcher } from '#model/watcher.ts'
import { deliver, type Said, said } from './frames.ts'

/** An engine, and everything it tells, in words. */
export function listen(options: Partial<EngineOptions> = {}) {
  const engine = createEngine({ seed: 1, ...options })
  const heard: string[] = []
  const records: FlowRecord[] = []
  const name = (flow: number): string => (flow < 0 ? 'refused' : `${engine.flows.targetPort(flow)}`)
  const watcher: Watcher = {
    flowOpened: (flow) => void heard.push(`opened ${name(flow)}`),
    flowAnswered: (flow) => void heard.push(`answered ${name(flow)}`),
    flowRefused: (flow) => void heard.push(`refused ${name(flow)}`),
    flowEnded(flow, reason) {
      heard.push(`ended ${name(flow)} ${END_REASONS[reason]}`)
      records.push(engine.flowRecord(flow, 'eth0'))
    },
  }
  engine.watch([watcher])
  let now = 1_000_000
  const say = (about: Said, at = now++): void => deliver(engine, said(about), at)
  const state = (flow = 0): string | undefined => FLOW_STATES[engine.flows.state(flow)]
  return { engine, heard, records, say, state }
}
