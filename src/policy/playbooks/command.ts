import type { Alert } from '#model/alert.ts'
import type { Commands, Placeholder } from './settings.ts'

/** A program and its arguments, as the kernel takes them: no shell reads them. */
export interface CommandLine {
  readonly path: string
  readonly args: readonly string[]
}

/** Fills the placeholders of a command. Undefined when there is no command of that name. */
export function commandLineOf(commands: Commands, name: string, alert: Alert): CommandLine | undefined {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) return undefined
  const [path, ...args] = command
  const values = valuesOf(alert)
  return { path, args: args.map((text) => values.get(text) ?? text) }
}

/** Addresses in canonical form, words of our own detectors, numbers: nothing of these was written by an attacker. */
function valuesOf(alert: Alert): ReadonlyMap<string, string> {
  const { subject, victim = '', detector, kind, severity, id } = alert
  const values: Record<Placeholder, string> = {
    subject,
    victim,
    detector,
    kind,
    severity,
    alert: String(id),
  }
  return new Map(Object.entries(values).map(([name, value]) => [`{${name}}`, value]))
}
