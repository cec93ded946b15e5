import { visibleText } from '#lib/visible-text.ts'
import type { Alert } from '#model/alert.ts'
import type { PartHealth } from '#model/health.ts'

/** What the daemon says in its terminal or journal: one line each, nothing from the wire unescaped. */
export interface Speaker {
  say(sentence: string): void
  alert(alert: Alert): void
  /** Says it once, and again only when it changed. */
  health(health: PartHealth): void
}

export function createSpeaker(out: NodeJS.WritableStream): Speaker {
  const said = new Map<string, string>()
  const say = (sentence: string): void => void out.write(`${visibleText(sentence)}\n`)
  return {
    say,
    alert: (alert) => say(`Alert (${alert.severity}): ${alert.summary}. ${alert.response}.`),
    health(health) {
      const line =
        health.state === 'ok'
          ? `${health.part}: works again`
          : `${health.part}: ${health.reason} — ${health.remedy}`
      const before = said.get(health.part)
      if (line === before || (before === undefined && health.state === 'ok')) return
      said.set(health.part, line)
      say(line)
    },
  }
}
